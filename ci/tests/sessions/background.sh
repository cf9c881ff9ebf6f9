for i in 1 2 3 4 5; do (sleep 0.$i; exit $i) & pids="$pids $!"; done
for p in $pids; do wait $p; echo "child $?"; done
(sleep 2; echo slow) & (echo fast) ; wait; echo both
sleep 60 & a=$!; sleep 0.3; kill -0 $a && echo running; kill -STOP $a; kill -CONT $a; kill $a; wait $a; echo "ended $?"
kill -0 $a 2>/dev/null || echo gone
i=0; while [ $i -lt 30 ]; do i=$((i + 1)); (exit 0) & done; wait; echo "thirty $?"
{ sleep 0.1; echo group; } & wait $!; echo "group $?"
nohup sh -c 'echo nohup' 2>/dev/null </dev/null | cat
timeout 1 sleep 20; echo "timeout $?"
