for i in 1 2 3; do echo "for $i"; done
i=0
while [ $i -lt 5 ]; do i=$((i + 1)); [ $i = 2 ] && continue; [ $i = 4 ] && break; echo "while $i"; done
until [ $i -ge 8 ]; do i=$((i + 1)); done; echo "until $i"
for word in a 'b c' "d  e"; do printf '[%s]' "$word"; done; echo
case banana in apple) echo no;; b*a) echo case;; *) echo other;; esac
f() { local x=$1; [ $x -le 1 ] && echo 1 && return; echo $((x * $(f $((x - 1))))); }
echo "factorial $(f 10)"
set -- one two three; echo $# "$2" "$*"; shift; echo "$1"
seq 1 5 | while read -r n; do echo "line $n"; done
echo "status $(false; echo $?) $(true; echo $?)"
