cd /tmp; f=redirect.$$
echo one > $f; echo two >> $f; cat < $f
exec 3> $f; echo three >&3; exec 3>&-; cat $f
(echo a; echo b >&2) > $f 2>&1; cat $f
exec 4<> $f; read -r line <&4; echo "read $line"; exec 4<&-
cat /nonexistent 2>/dev/null; echo "cat $?"
echo noclobber > $f; set -C; (echo x > $f) 2>/dev/null || echo refused; echo y >| $f; set +C; cat $f
: > $f; wc -c < $f; echo text | tee $f | cat - $f
(cd / && pwd); cd /tmp && pwd; rm $f
ulimit -n > /dev/null; umask 027; touch $f; stat -c %a $f; rm $f
read -r x </dev/null; echo "eof $?"
echo to-null > /dev/null; cat /dev/null; head -c 5 /dev/zero | od -An -tx1
