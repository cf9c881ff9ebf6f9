# SPDX-License-Identifier: MIT
# Tools that read and write texts: what each is known for.
. "$TESTS/../check.sh"
export PATH="/usr/libexec/coreutils:$PATH" LC_ALL=C

seq 1 50000 | shuf --random-source=/bin/busybox > shuffled
is sort "$(sort -n shuffled > ordered && seq 1 50000 | cmp - ordered && ! cmp -s shuffled ordered && sort -n --parallel=2 -S 100K shuffled | sha256sum)" "$(seq 1 50000 | sha256sum)"
is "sort keys" "$(printf 'b 2\na 10\na 9\n' | sort -k1,1 -k2,2n | tr '\n' ',')" "a 9,a 10,b 2,"
is "sort versions" "$(printf 'v1.10\nv1.9\n1K\n' | sort -V | tr '\n' ' ')$(printf '1K\n2M\n500\n' | sort -h | tr '\n' ' ')" "1K v1.9 v1.10 500 1K 2M "
is unsorted "$(printf 'b\na\n' | sort -c 2>&1; echo $?)" "sort: -:2: disorder: a
1"
is uniq "$(printf 'a\na\nb\n' | uniq -c | tr -s ' ' | tr '\n' ';')" " 2 a; 1 b;"
is join "$(printf '1 a\n2 b\n' > l; printf '2 x\n3 y\n' > r; join -a 1 -e - -o 0,1.2,2.2 l r | tr '\n' ';')" "1 a -;2 b x;"
is comm "$(comm -12 l l | wc -l) $(comm --total -3 l r | tail -n 1 | cut -f1-3)" "2 2	2	0"
is csplit "$(seq 1 10 | csplit -s - 4 8 && wc -l < xx01)" 4
is tsort "$(printf 'a b\nb c\n' | tsort | tr -d '\n') $(printf 'a b b a' | tsort 2>&1 | head -n 1)" "abc tsort: -: input contains a loop:"
is numfmt "$(numfmt --to=iec 1048576 1500; numfmt --from=si 2K)" "1.0M
1.5K
2000"
is factor "$(factor 2147483647 18446744073709551557 600851475143)" "2147483647: 2147483647
18446744073709551557: 18446744073709551557
600851475143: 71 839 1471 6857"
is sums "$(printf abc | sha512sum | head -c 16) $(printf abc | b2sum | head -c 16) $(printf abc | md5sum | head -c 16) $(printf abc | cksum)" "ddaf35a193617aba ba80a53f981c4d0d 900150983cd24fb0 1219131554 3"
is checked "$(sha256sum l r > sums; echo >> r; sha256sum --quiet -c sums 2>&1)" "r: FAILED
sha256sum: WARNING: 1 computed checksum did NOT match"
is base64 "$(printf 'hello' | base64) $(printf 'hello' | basenc --base32hex) $(echo aGVsbG8= | base64 -d)" "aGVsbG8= D1IMOR3F hello"
is od "$(printf 'A\0\377z' | od -An -tx1z)" " 41 00 ff 7a                                      >A..z<"
is cut "$(echo a:b:c | cut -d: -f1,3 --output-delimiter=/) $(echo abcdef | cut -c2-4 --complement)" "a/c aef"
is paste "$(seq 1 4 | paste -d, - -) $(seq 1 3 | paste -s -d+)" "1,2
3,4 1+2+3"
is tr "$(echo hello | tr -d l | tr a-y b-z) $(echo aabb | tr -s ab)" "ifp ab"
is expand "$(printf 'a\tb\n' | expand -t 4) $(printf 'a       b\n' | unexpand -a | od -An -c | tr -d ' \n')" "a   b a\\tb\\n"
is fold "$(echo 'one two three' | fold -s -w 8 | tr '\n' '|') $(printf 'a b c d\n' | fmt -w 4 | tr '\n' '|')" "one two |three| a b|c d|"
is head "$(seq 1 10 | head -n -7 | tr '\n' ' ')$(seq 1 10 | tail -n +9 | tr '\n' ' ')$(seq 1 100000 | tail -c 7)" "1 2 3 9 10 100000"
is tac "$(seq 1 3 | tac | tr '\n' ' ')$(printf 'a,b,c,' | tac -s ,)" "3 2 1 c,b,a,"
is nl "$(printf 'a\n\nb\n' | nl -ba -w 2 -s: | tr '\n' ';')" " 1:a; 2:; 3:b;"
is pr "$(seq 1 6 | pr -3 -t -w 12 | tr -s "\t " " " | tr '\n' ';')" "1 3 5;2 4 6;"
is wc "$(printf 'one two\nthree\n' | wc -lwmcL | tr -s ' ')" " 2 3 14 14 7"
is printf "$(env printf '%05.1f|%-4s|%q|%b' 3.14159 ab 'a b' 'x\ty')" "003.1|ab  |'a b'|x	y"
is date "$(date -u -d '2024-02-29 + 1 year' +%F) $(date -u -d @86399 +%T) $(date -d 'TZ="Asia/Tokyo" 2020-01-01' +%s 2> /dev/null | grep -c .)" "2025-03-01 23:59:59 1"
is expr "$(expr 7 '*' 6) $(expr abcde : 'ab\(.*\)') $(expr substr hello 2 3) $(expr 99999999999999999999 + 1)" "42 cde ell 100000000000000000000"
is test "$(env test -n x -a 3 -gt 2; echo $?) $(env [ a = b ]; echo $?)" "0 1"
is seq "$(seq -w 8 11 | tr '\n' ' ')$(seq -s: 0 0.5 1.5)" "08 09 10 11 0.0:0.5:1.0:1.5"
is names "$(basename -s .c /x/y.c) $(dirname /a/b/) $(pathchk -p 'bad:name' 2>&1 | grep -c nonportable)" "y /a 1"
is shuf "$(shuf -i 1-1000 | sort -n | sha256sum)" "$(seq 1 1000 | sha256sum)"
is dircolors "$(dircolors -b | head -c 10)" "LS_COLORS="
is ptx "$(echo 'the quick fox' | ptx -w 40 | wc -l)" 3
finish texts
