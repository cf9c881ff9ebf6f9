# SPDX-License-Identifier: MIT
# strace: what programs do, with their children, while they run already, and changed. Those programs are all our shell, whose calls are the same on both
# guests. Prints what differs, then how many checks.
. "$TESTS/../check.sh"
unset LANG LC_ALL

# ends_of FILE: how each process in it ended, sorted.
ends_of() { sed -n 's/^[0-9 ]*+++ \(.*\) +++$/\1/p' "$1" | sort | tr '\n' ','; }
# until_in TEXT FILE: waits until it is there.
until_in() { until grep -q -e "$1" "$2" 2>/dev/null; do :; done; }

# One program.
is "goes through" "$(strace -o log -e trace=write sh -c 'echo hello')" hello
is "a call" "$(tr -s ' ' < log)" 'write(1, "hello\n", 6) = 6
+++ exited with 0 +++'
strace -o log -e trace=none sh -c 'exit 7'
is "its status" "$? $(ends_of log)" "7 exited with 7,"
{ strace -o log -e trace=none sh -c 'kill -TERM $$'; } 2>/dev/null
is "its signal" $? 143
is "as it was sent" "$(sed 's/si_pid=[0-9]*/si_pid=N/' log)" '--- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=N, si_uid=0} ---
+++ killed by SIGTERM +++'
strace -o log -e trace=open,openat sh -c ': < nowhere' 2>/dev/null
is "a call that fails" "$(grep -c '"nowhere".* = -1 ENOENT (No such file or directory)$' log)" 1
is "to where messages go" "$(strace -e trace=write sh -c 'echo hello' 2>&1 >/dev/null | grep -c '^write(1, "hello')" 1
strace -s 4 -y -o log -e trace=write sh -c 'echo hello > named'
is "cut, with the file's name" "$(grep -c "^write(1<$folder/named>, \"hell\"\.\.\., 6)" log)" 1
strace -o log -e trace=%process sh -c 'exit 3'
is "a class" "$(grep -c '^execve("[^"]*sh", \["sh", "-c", "exit 3"\], 0x[0-9a-f]* /\* [0-9]* vars \*/) = 0$' log) $(grep -c '^exit_group(3) ' log) $(grep -c write log)" "1 1 0"
strace -o log -e 'trace=!write' sh -c 'echo hello' > /dev/null
is "all but one" "$(grep -c '^write' log) $(grep -c '^exit_group(0)' log)" "0 1"
is "with its environment" "$(strace -o log -E added=word -e trace=none sh -c 'echo $added')" word

# Children.
children='(exit 3); sh -c "exit 4"; exec sh -c "exit 5"'
strace -f -o log -e trace=execve,exit_group sh -c "$children"
is "status of the first" $? 5
is "all are followed" "$(ends_of log)" "exited with 3,exited with 4,exited with 5,"
is "programs" "$(grep -c ' execve(.* = 0$' log)" 3
is "who ended" "$(sed -n 's/.*CHLD {si_signo=SIGCHLD, si_code=\([A-Z_]*\), si_pid=[0-9]*, si_uid=0, si_status=\([0-9]*\),.*/\1 \2/p' log | tr '\n' ',')" "CLD_EXITED 3,CLD_EXITED 4,"
strace -o log -e trace=none sh -c "$children"
is "the first alone" "$(ends_of log)" "exited with 5,"
strace -ff -o each -e trace=none sh -c "$children"
is "a file for each" "$(cat each.* > log; ends_of log; ls each.* | wc -l)" "exited with 3,exited with 4,exited with 5,3"
strace -f -o log -e trace=write sh -c 'for i in 1 2 3 4 5 6 7 8; do echo $i & done; wait' > /dev/null
is "many at once" "$(grep -c ' write(1' log) $(ends_of log | tr ',' '\n' | sort | uniq -c | tr -s ' ')" "8  9 exited with 0"

# Counted.
strace -c -o log sh -c 'for i in 1 2 3; do echo $i; done' > /dev/null
is "counted" "$(awk '$NF == "write" { print $4 }' log) $(awk '$NF == "execve" { print $4 }' log) $(grep -c ' total$' log)" "3 1 1"
strace -f -c -o log sh -c '(echo 1; echo 2); echo 3' > /dev/null
is "of all" "$(awk '$NF == "write" { print $4 }' log)" 3

# Changed.
strace -o log -e trace=write -e inject=write:error=ENOSPC sh -c 'echo lost; exit 6' > out 2>/dev/null
is "an error in its place" "$? $(cat out)" "6 "
is "a result in its place" "$(strace -o log -e trace=getppid -e inject=getppid:retval=4242 sh -c 'echo $PPID')" 4242
is "told as injected" "$(grep -c '^getppid() *= 4242 (INJECTED)' log)" 1
{ strace -o log -e trace=exit_group -e inject=exit_group:signal=KILL sh -c :; } 2>/dev/null
is "a signal" "$? $(ends_of log)" "137 killed by SIGKILL,"

# One that runs already.
rm log
sh -c 'until [ -e stop ]; do :; done; exit 9' &
traced=$!
strace -o log -p $traced 2> said &
tracer=$!
until_in '"stop"' log
is "is attached" "$(grep -c "Process $traced attached" said) $(sed -n 's/^TracerPid:[^0-9]*//p' /proc/$traced/status)" "1 $tracer"
kill -STOP $traced
until_in 'stopped by SIGSTOP' log
kill -CONT $traced
until_in '^--- SIGCONT {' log
kill -INT $tracer
wait $tracer
is "and left" "$(grep -c "Process $traced detached" said) $(sed -n 's/^TracerPid:[^0-9]*//p' /proc/$traced/status)" "1 0"
touch stop
wait $traced
is "unharmed" "$? $(ends_of log)" "9 "

# Its end is seen by who attached, and by its parent.
rm stop log
sh -c 'until [ -e stop ]; do :; done; exit 8' &
traced=$!
strace -f -o log -p $traced 2> said &
tracer=$!
until_in '"stop"' log
touch stop
wait $traced
is "its end, told to its parent" $? 8
wait $tracer
is "and to the tracer" "$? $(ends_of log)" "0 exited with 8,"
is "nobody to attach to" "$(strace -o log -p $traced 2>&1; echo $?)" "strace: attach: ptrace(PTRACE_SEIZE, $traced): No such process
1"

finish tracing
