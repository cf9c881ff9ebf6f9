trap 'echo exit trap' EXIT
trap 'echo got usr1' USR1
kill -USR1 $$; echo after
trap '' USR2; kill -USR2 $$; echo ignored
(trap 'echo child int; exit 9' INT; kill -INT $(exec sh -c 'echo $PPID'); sleep 1); echo "child $?"
sh -c 'kill -TERM $$'; echo "term $?"
sh -c 'kill -KILL $$'; echo "kill $?"
sh -c 'kill -SEGV $$' 2>/dev/null; echo "segv $?"
sleep 30 & pid=$!; sleep 0.3; kill $pid; wait $pid; echo "wait $?"
trap 'echo alarm during wait' ALRM
(sleep 1; kill -ALRM $$) & sleep 2; wait; echo waited
trap - USR1; trap
exit 5
