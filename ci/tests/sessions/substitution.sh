v=path/to/file.tar.gz
echo "${v##*/} ${v%/*} ${v%%.*} ${v#*.} ${#v}"
echo "${unset:-default} ${v:+set} ${unset-dash}"; : "${new:=assigned}"; echo "$new"
echo "$(echo "nested $(echo "deep $(echo er)")")"
echo `echo back \`echo tick\``
a=5 b=7; echo $((a * b + (a << 2) - b % 3)) $((a > b ? a : b)) $((0x1f)) $((-7 / 2))
x=$(printf 'trailing\n\n\n'); echo "[$x]"
x=$(seq 1 30000); echo ${#x}
IFS=:; set -- $(echo one:two:three); echo "$2"; unset IFS
export E=exported; sh -c 'echo $E'; E2=once sh -c 'echo $E2'; echo "[$E2]"
eval 'y=$v'; echo "$y"; readonly r=1; (r=2) 2>/dev/null || echo readonly
printf '%s %5d|%-5s|%05.1f %x %o %c\n' str 42 left 3.14159 255 8 char
printf '%b' 'tab\there\n'
echo "last $(true && false || echo chain)"
