printf 'c\na\nb\na\n' | sort | uniq -c | awk '{ print $2 ":" $1 }'
seq 1 10000 | tail -n 3 | tr '\n' ' '; echo
yes | head -n 100000 | wc -l
(echo out; echo err >&2) 2>&1 >/dev/null | sed 's/^/only: /'
{ echo one; echo two; } | (read a; read b; echo "$b $a")
seq 1 1000 | grep 7 | wc -l
echo status | grep nothing; echo "grep says $?"
dd if=/dev/zero bs=1000 count=1000 2>/dev/null | md5sum
mkfifo /tmp/fifo.$$ && { echo through > /tmp/fifo.$$ & cat /tmp/fifo.$$; wait; rm /tmp/fifo.$$; }
(exit 3) | (exit 4); echo "pipeline $?"
! true | false; echo "negated $?"
cat /etc/passwd | cat | cat | cat | grep -c '^root:'
