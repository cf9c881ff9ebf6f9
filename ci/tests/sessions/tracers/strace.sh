# strace: what programs do, followed through their children, attached to, and changed.
echo one > file
strace -o log -e trace=read,write head -n 1 file
grep '"one' log
tail -n 1 log
# Children, and how each ends.
strace -f -o log -e trace=execve,exit_group bash -c '(exit 3) & wait $!; exec cat /dev/null'
sed 's/^[0-9]* *//; s/0x[0-9a-f]*/ADDRESS/g; s/[0-9]* vars/N vars/; s/si_pid=[0-9]*/si_pid=N/; s/si_utime=[0-9]*, si_stime=[0-9]*/TIMES/' log | sort
# Calls that are made to fail, and their results.
strace -o log -e trace=getcwd -e inject=getcwd:error=EACCES pwd -P > /dev/null 2> errors
grep -c 'EACCES.*INJECTED' log
strace -o log -e inject=geteuid:retval=4242 id -u
strace -f -c -o log bash -c 'for i in 1 2 3; do cat file > /dev/null; done'
sed -n 's/ *[0-9.]* *[0-9.]* *[0-9]* *\([0-9]*\) .* \(execve\|wait4\|clone\)$/\2/p' log | sort
# A running process, and signals.
sleep 100 &
pid=$!
until grep -q sleep /proc/$pid/comm; do :; done
strace -o log -p $pid 2> errors &
tracer=$!
until grep -q attached errors; do :; done
grep TracerPid /proc/$pid/status | sed "s/$tracer/the tracer/"
kill -TERM $pid
wait $pid
echo $?
wait $tracer
sed 's/si_pid=[0-9]*/si_pid=N/; s/^.*sleep(/sleep(/; s/{tv_sec=[0-9]*, tv_nsec=[0-9]*}/TIME/g; s/0x[0-9a-f]*/ADDRESS/g' log
# A tracer that is killed leaves its tracee alone.
sleep 100 &
pid=$!
strace -o log -p $pid 2> errors &
tracer=$!
until grep -q attached errors; do :; done
kill -KILL $tracer
wait $tracer
until grep -q 'TracerPid:.0' /proc/$pid/status; do :; done
grep -o 'State:.S' /proc/$pid/status
kill $pid
wait $pid
echo $?
