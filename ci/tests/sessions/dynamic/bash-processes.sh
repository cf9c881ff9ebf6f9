# Pipes, subshells, redirections, traps, job control, signals.
seq 1 20000 | sort -rn | head -n 3; echo "${PIPESTATUS[@]}"
seq 30000 | tail -n 1 | cat | cat | cat | wc -c
{ echo out; echo err >&2; } 2>&1 >/dev/null | tr a-z A-Z
exec 3> three; echo "by three" >&3; exec 3>&-; cat three; exec 4<> three; read -r l <&4; echo "again: $l"; exec 4>&-
set -o noclobber; (echo no > three) 2>&1 | cut -d: -f3-; echo yes >| three; set +o noclobber; cat three
echo text > f; cat f f >> g; wc -l < g; cat < f > h 2>&1; diff() { cmp "$@"; }; [ f -ef ./f ] && echo same file
(cd /tmp && pwd; exit 7); echo "subshell $?"; pwd | grep -c .
trap 'echo usr1' USR1; kill -USR1 $$; trap - USR1
(trap 'echo leaving; exit 5' TERM; kill -TERM $BASHPID; echo never); echo "trapped $?"
trap 'echo debug-exit' EXIT; trap; trap - EXIT
(trap '' INT; kill -INT $BASHPID; echo survived); sleep 0.01 & wait $!; echo "waited $?"
bash -c 'kill -KILL $$'; echo "killed $?"; bash -c 'kill -SEGV $$' 2>/dev/null; echo "fault $?"; bash -c 'exit 300'; echo "exit $?"
nosuchcommand 2>/dev/null; echo "absent $?"; echo '#!/no/interpreter' > bad; chmod +x bad; ./bad 2>/dev/null; echo "bad $?"; ./f 2>/dev/null; echo "denied $?"
for i in 1 2 3 4 5; do (sleep 0.$i; exit $i) & done; total=0; for j in $(jobs -p); do wait $j; ((total += $?)); done; echo "sum $total"
set -m; sleep 30 & sleep 31 & jobs | grep -c Running; kill %1; wait %1 2>/dev/null; echo "first $?"
kill -STOP %2; until jobs %2 | grep -q Stopped; do sleep 0.05; done; jobs %2 | grep -c Stopped; kill -CONT %2; kill -KILL %2; wait %2 2>/dev/null; echo "second $?"; set +m
coproc up { while read -r l; do echo "<$l>"; done; }; echo ping >&"${up[1]}"; read -r r <&"${up[0]}"; echo "$r"; eval "exec ${up[1]}>&-"; wait
exec 5< <(echo from process substitution); read -r l <&5; echo "$l"; exec 5<&-
tee >(wc -c > count) < f > /dev/null; until [ -s count ]; do sleep 0.05; done; cat count
mkfifo fifo; (cat fifo | tr a-z A-Z > from) & echo through the fifo > fifo; wait; cat from
timeout 0.2 bash -c 'while :; do :; done'; echo "timeout $?"; timeout -s KILL 0.2 sleep 5; echo "killed $?"
read -t 0.1 -r nothing < <(exec sleep 4); echo "read $(($? > 128))"
{ read -r -n 3 three; read -r -d ';' till; } <<< 'abcdef;ghi'; echo "$three $till"
ulimit -n 64; ulimit -n; (ulimit -f 1; dd if=/dev/zero of=big bs=1024 count=10 2>/dev/null; echo "limited $?")
umask 027; touch masked; stat -c %a masked; umask -S
bash -c 'echo $0 $1 $#' name arg; echo 'echo from stdin $0' | bash; bash -s a b <<< 'echo $#'
bash -n -c 'if' 2>/dev/null; echo "syntax $?"; bash -e -c 'false; echo never'; echo "errexit $?"; set -u; (echo "$unset_one") 2>/dev/null; echo "nounset $?"
