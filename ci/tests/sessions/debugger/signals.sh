# gdb: signals that it stops at, keeps back, passes on and makes; a program that ends by one.
. /opt/sessions/kit
# Its own words come when they like where gdb does not stop it.
debug ./debugged <<'END'
set args signals
handle SIGUSR1 stop print pass
handle SIGUSR2 nostop print pass
info signals SIGUSR1
run signals > printed
print $_siginfo.si_signo
print $_siginfo._sifields._kill.si_uid
break count_signal
continue
backtrace
finish
delete
continue
print handled
print $_siginfo.si_signo
continue
print $_exitsignal
END
cat printed
# Kept back, changed to another, and sent by the debugger itself.
debug ./debugged <<'END'
set args signals
handle SIGUSR1 stop nopass
handle SIGUSR2 stop pass
run
continue
signal 0
print handled
break count_signal
signal SIGUSR2
print number
print $_siginfo.si_signo
signal SIGKILL
print $_exitsignal
END
# Handlers that come between steps.
debug ./debugged <<'END'
set args signals
handle all nostop noprint pass
break signals
run
next
next
next
next
next
print handled
next
print $_exitsignal
END
