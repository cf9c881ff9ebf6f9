# gdb: Debian's own programs, without symbols, in a library of theirs.
. /opt/sessions/kit
debug /bin/echo <<'END'
set breakpoint pending on
break write
run hello > output
backtrace 1
info sharedlibrary
print (int) $rdi
print (long) $rdx
x/s $rsi
finish
print $rax
delete
continue
END
cat output
# The kernels do not tell the same of processors.
debug /bin/sleep <<'END' | grep -v 'XML\|AT_HWCAP\|AT_MINSIGSTKSZ\|AT_SYSINFO'
set args 1000
catch syscall 230
run
x/2gd $rdx
set variable *(long *) $rdx = 0
continue
print $rax
info proc cmdline
info proc exe
info auxv
continue
END
