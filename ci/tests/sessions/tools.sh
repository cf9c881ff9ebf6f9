mkdir /tmp/t.$$; cd /tmp/t.$$
seq 1 200 > n; for i in 1 2 3; do sed -n "${i}0,${i}5p" n > part$i; done; wc -l part* | tail -n 1; sed -n '10,12p;s/^5$/five/p' n | head
awk '{ s += $1 } END { print s, NR }' n; sort -rn n | head -n 2; cut -c1 n | uniq -c | sort -rn | head -n 1 | awk '{print $1}'
tar -cf a.tar n part*; mkdir out; tar -xf a.tar -C out; diff -r n out/n && echo same
gzip -k n 2>/dev/null || gzip -c n > n.gz; zcat n.gz | cmp - n && echo gzip; bzip2 -c n | bunzip2 -c | cmp - n && echo bzip2
xz -dc </dev/null 2>/dev/null; echo done | md5sum; sha256sum n; printf abc | sha1sum
ln -s n link; readlink link; ln n hard; stat -c %h n; cp -a link copy; ls -l copy | awk '{ print $NF }'
find . -type f -o -type l | sort; du -s . >/dev/null && echo du; touch -d '2020-01-02 03:04:05' old; date -u -r old +%F
echo 'hello world' | tr a-z A-Z | rev; expr 6 \* 7; printf '1\n2\n' | paste -s -d+ ; echo '2^10' | bc
chmod 640 n; stat -c '%a %u %s' n; basename /a/b.c .c; dirname /a/b.c; test -s n && echo nonempty; xargs -n 2 echo < part1 | head -n 1
cpio -o -H newc < /dev/null 2>/dev/null | wc -c; dd if=n bs=10 skip=1 count=1 2>/dev/null | od -c | head -n 1; cal 1 2000 | head -n 1
mkdir -p d/e/f; rmdir -p d/e/f; ls -d d 2>/dev/null || echo removed; mktemp -d /tmp/t.$$/XXXXXX | wc -l; env -i A=b env
cd /; rm -rf /tmp/t.$$; ls -d /tmp/t.$$ 2>/dev/null | wc -l; id -u; echo $((1 + 1)); true; sleep 0.1; usleep 1000; yes no | head -n 1
ps | grep -c '[p]s' | grep -q '[1-9]' && echo ps; free | grep -c '^Mem'; mount | grep -c ' on /proc '; uname -m; hostname | wc -l
