set -m
sleep 60 & echo "started $(jobs | wc -l)"
sleep 61 &
kill %1; wait %1 2>/dev/null; echo "first $?"
kill -STOP %2; until jobs | grep -q Stopped; do sleep 0.1; done; jobs | grep -c Stopped
kill -CONT %2; kill %2; wait %2 2>/dev/null; echo "second $?"
(exit 6) & wait $!; echo "third $?"
sh -c 'kill -STOP $$; echo resumed' & until jobs | grep -q Stopped; do sleep 0.1; done; fg >/dev/null; echo "fg $?"
p=$(sh -c 'echo $$'); test "$p" -gt 1 && echo number
