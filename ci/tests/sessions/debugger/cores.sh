# gdb: core files, the kernel's and gdb's own.
. /opt/sessions/kit
ulimit -c unlimited
# Its shell tells of the death, with the number.
(./debugged crashes; echo $?) 2> /dev/null
ls core*
debug ./debugged core* <<'END'
backtrace
print where
up
up
print i
print name
print pair
print $_siginfo.si_signo
print $_siginfo._sifields._sigfault.si_addr
x/i $pc
info threads
END
rm core*
# Of a program that lives, written by gdb; with threads.
debug ./debugged <<'END' | grep -v '^\[Switching\|^Thread'
set args threads
break add
run
generate-core-file core
kill
END
debug ./debugged core <<'END' | sed 's/ in .*()$//; s/^\(.\) [0-9] /\1 T /'
info threads
backtrace 2
print total
info registers rip
END
