# Lines, fields, sums, encodings.
seq 1 12 > n; shuf -i 1-12 --random-source=<(yes) | sort -n | cmp - n && echo sorted
printf 'b 2\na 10\nc 1\na 2\n' > t; sort t; sort -k2,2n t; sort -k1,1 -k2,2nr t; sort -u -k1,1 t; sort -c t; sort -R --random-source=n t | sort | cmp - <(sort t) && echo shuffled
printf '1.5K\n2M\n300\n' | sort -h; printf 'v1.10\nv1.9\n' | sort -V; printf 'x\0y\0' | sort -rz | tr '\0' ','; echo
sort -S 64K -T . <(seq 5000 -1 1) | sha256sum; printf '#!/bin/bash\nexec cat\n' > pack; chmod +x pack; seq 9000 | sort -r --parallel=2 --compress-program=./pack -S 20K | md5sum; sort -m n n | uniq -c | head -n 2
printf 'a\na\nb\nB\nc\n' | uniq -c; printf 'a\na\nb\nB\nc\n' | uniq -di; printf 'a\na\nb\n' | uniq -u
printf 'one:two:three\n' | cut -d: -f1,3 --output-delimiter=-; echo abcdef | cut -c2-4 ; echo abcdef | cut --complement -b1,6; echo hello | tr -d l; echo aabbcc | tr -s a-c; echo hello | tr a-y b-z; echo 'a b' | tr '[:space:]' _; echo
printf '1 a\n2 b\n3 c\n' > l; printf '2 x\n3 y\n4 z\n' > r; join l r; join -a1 -a2 -e - -o 0,1.2,2.2 l r; join -v1 l r; comm l r; comm -12 <(seq 5) <(seq 3 8)
paste n n | head -n 2; paste -sd+ n; seq 7 | paste - - -; head -c 5 n; head -n -9 n; tail -n +11 n; tail -c 3 n; tac n | head -n 1; nl -ba l;
split -l 5 n part-; ls part-*; cat part-* | cmp - n; split -n 3 -d --additional-suffix=.x n q; ls q*; split -b 4 --filter='wc -c' n | head -n 2; csplit -s -f cs- n /5/ '{0}' ; wc -l cs-*
wc n; wc -L n; printf 'é\n' | wc -cm; fold -w 3 <<< abcdefgh; fold -s -w 8 <<< 'some words here'; fmt -w 20 <<< 'these are the words of a paragraph to fill'; expand <<< $'a\tb' | od -c; unexpand -a <<< 'a               b' | od -An -c; pr -l 20 -h title -D date n | head -n 8
md5sum n; sha1sum n; sha224sum n; sha256sum n > sums; sha384sum n | cut -c1-20; sha512sum --tag n | cut -c1-40; b2sum n | cut -c1-30; sha256sum -c sums; echo >> n; sha256sum -c sums 2>/dev/null; echo $?; cksum n; cksum -a sysv n; sum n
echo hello | base64; echo aGVsbG8K | base64 -d; echo hello | base32; basenc --z85 <<< 1234567; head -c 100 /dev/zero | base64 -w 40; od -An -tx1 -c <<< 'od it'; od -Ax -td4 -N 8 -j 1 n; od -tf8 -An <(printf '\0\0\0\0\0\0\360?')
seq 3 -1 1; seq -w 8 11; seq -s, 1 .5 3; seq -f '%03g' 2; factor 97 1000000007 18446744073709551615 1361129467683753853853498429727072845824; numfmt --to=iec 1048576 5000; numfmt --from=si 1.5K; numfmt --format '%.2f' --to=si 123456
expr 6 \* 7; expr length hello; expr substr hello 2 3; expr abc123 : '[a-z]*\([0-9]*\)'; expr 1 = 2; echo $?; expr 99999999999999999999 + 1; test 3 -gt 2 -a -n x && echo true; [ a = b ]; echo $?; printf '%s %d %o %e\n' s 07 8 1234.5; echo -e 'a\x41\0101\c' ; echo
tsort <<< 'a b b c c d'; tsort <<< 'a b b a' 2>/dev/null; echo $?; ptx <<< 'key words in context' | head -n 2; yes x | head -n 1000 | uniq -c; shuf -n 2 -e a a a; dircolors -p | head -n 1 | wc -l; nproc --all > /dev/null && echo nproc; arch; uname -m; printenv NOT_SET; echo $?; env -i A=1 B=2 env; env -u HOME bash -c 'echo "${HOME-gone}"'; env -C / pwd
