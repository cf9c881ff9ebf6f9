set -m
sleep 60 & echo "started $(jobs | wc -l)"
sleep 61 &
sleep 0.3; kill %1; wait %1 2>/dev/null; echo "first $?"
kill -STOP %2; sleep 0.3; jobs | grep -c Stopped
kill -CONT %2; kill %2; wait %2 2>/dev/null; echo "second $?"
(exit 6) & wait $!; echo "third $?"
sh -c 'kill -STOP $$; echo resumed' & sleep 0.3; fg >/dev/null; echo "fg $?"
p=$(sh -c 'echo $$'); test "$p" -gt 1 && echo number
