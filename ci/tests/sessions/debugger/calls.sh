# gdb: breakpoints, steps, variables, calls and registers in a program that it starts.
. /opt/sessions/kit
debug ./debugged <<'END'
set args calls
break square
run
backtrace
info args
finish
next
info locals
print total
continue 2
condition 1 number == 5
continue
backtrace 1
up
print i
print one
delete
tbreak recurse if depth == 0
continue
backtrace
print pair
print $_exitcode
step
step
print square(11)
print add_squares(2)
print pair.name
set variable pair.number = 70
print *&pair
set $rax = 99
print $rax
info registers rip rax
set $xmm1.uint128 = 7
stepi
print $xmm1.v4_int32
print $fs_base != 0
x/2i $pc
x/s pair.name
until
continue
print $_exitcode
END
