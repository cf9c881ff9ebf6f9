# gdb: processes that are there already, children, exec, and calls of the kernel.
. /opt/sessions/kit
start() {
	# What the one before said must not be taken for this one's word.
	: > output
	./debugged $1 > output &
	pid=$!
	until grep -q waiting output; do :; done
}
# Where it is when gdb comes is left to chance.
attached() {
	grep -v ' in '
}
# It lives on, and waits for what only a signal brings.
start waits
debug -p $pid ./debugged <<'END' | attached
tbreak wait_a_little
continue
up
print released
detach
END
grep '^State:.[RS]\|TracerPid' /proc/$pid/status | sed 's/[RS] (.*)/living/'
kill -USR1 $pid
wait $pid
echo $?
cat output
# It is changed.
start waits
debug ./debugged <<END | attached
attach $pid
info inferiors
set variable released = 4
detach
END
wait $pid
echo $?
cat output
# All its threads stop.
start waits-in-threads
debug -p $pid ./debugged <<'END' | sed 's/"debugged" .*/"debugged"/; s/^Thread [0-9]/Thread T/; /^\[Switching/d' | attached
info threads
tbreak wait_a_little
continue
thread apply all -q -s print released
set variable released = 3
detach
END
wait $pid
echo $?
cat output
# It is killed by gdb.
start waits
debug -p $pid ./debugged <<'END' | attached
kill
END
{ wait $pid; } 2> /dev/null
echo $?
cat output
# It lives on when gdb is killed.
start waits
mkfifo nothing
exec 3<> nothing
(gdb -q -nx -p $pid ./debugged < nothing > gdb.out 2>&1 &)
until grep -q '(gdb)' gdb.out; do :; done
grep -o 'State:.t' /proc/$pid/status
kill -KILL $(sed -n 's/TracerPid:.//p' /proc/$pid/status)
until grep -q 'TracerPid:.0' /proc/$pid/status; do :; done
kill -USR1 $pid
wait $pid
echo $?
cat output
# Which side of a fork.
debug ./debugged <<'END'
set args forks
set follow-fork-mode child
break child_work
run forks > output
backtrace
finish
continue
info inferiors
END
until grep ended output; do :; done
debug ./debugged <<'END'
set args forks
set detach-on-fork off
catch fork
run
next
next
info inferiors
inferior 2
break child_work
continue
finish
continue
inferior 1
continue
END
# Exec, and calls.
debug ./debugged <<'END'
set args execs
catch exec
run
break recurse
continue
backtrace
delete
continue
END
# writev, by number: gdb-minimal has no names.
debug ./debugged <<'END' | grep -v XML
set args calls
catch syscall 20
run
print $rdi
print $orig_rax
print $rax
continue
print $rax
delete
continue
END
debug ./debugged <<'END'
set args crashes
run
backtrace
print where
print $_siginfo.si_signo
print $_siginfo._sifields._sigfault.si_addr
continue
print $_exitsignal
END
