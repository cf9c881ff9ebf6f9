# Functions, arrays, expansion, arithmetic, here-documents, patterns.
f() { local x=$1 n=${2:-0}; ((n >= 5)) && return $n; echo "$x$n"; f "$x" $((n + 1)); }
f deep; echo "returned $?"
declare -A map=([one]=1 [two]=2 [three]=3); for k in one two three; do printf '%s=%s ' $k "${map[$k]}"; done; echo "${#map[@]}"
a=(zero one "two words" three); a+=(four); unset 'a[1]'; echo "${!a[@]}" "${a[@]: -2}" "${#a[@]}" "${a[@]/o/0}"
for ((i = 0; i < 10; i += 3)); do echo -n "$i "; done; echo
echo $((2 ** 62)) $((0xff)) $((36#zz)) $((-7 / 2)) $((-7 % 3)) $((1 << 40)) $((9223372036854775807 + 1))
x=/usr/lib/python3.11/os.py; echo "${x##*/} ${x%/*} ${x%%/*}| ${x//\//:} ${x:5:3} ${#x} ${x^^} ${x/#\/usr/USR}"
unset u; echo "${u:-default} ${u:=assigned} ${u:+set} ${u@Q}"; (: "${nothing:?is missing}") 2>&1
cat <<END; cat <<'END'; cat <<-END
expanded $((6 * 7)) $(echo inside) \$escaped
END
as it is $((6 * 7)) `no`
END
	tabs go
	END
cat <<< "here $x"
case abc in a?c) echo one;& zzz) echo fallen;; *) echo never;; esac
[[ 2026-11-25 =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[@]}"
[[ abc < abd && -d / && ! -e /nowhere ]] && echo compared
echo {1..5} {a..e..2} pre{A,B{1,2}}post {10..1..-3}
shopt -s extglob; y=aaabbb; echo "${y##+(a)} ${y/@(b|c)/X}"
printf '%5d|%-5s|%05.1f|%x|%q|%b\n' 42 ab 3.14159 255 "it's" 'tab\tend'; printf '%s,' 1 2 3; echo
printf -v out '%(%Y-%m-%d %H:%M:%S)T' 86400; echo "$out"
set -- a "b c" d; echo $# "$2"; shift 2; echo "$*"; IFS=,; set -- 1 2 3; echo "$*"; unset IFS
g() { declare -n r=$1; r+=(added); }; arr=(first); g arr; echo "${arr[@]}"
eval 'echo evaluated; (exit 3)'; echo $?
while IFS=: read -r name _ uid rest; do echo "$name has $uid"; done < <(echo 'root:x:0:0::/'; echo 'other:x:1000:1000')
mapfile -t lines < <(seq 1000); echo ${#lines[@]} ${lines[999]}
readonly ro=1; (ro=2) 2>&1 | cut -d: -f3-; echo "${PIPESTATUS[0]}"
sum=0; while read -r n; do ((sum += n)); done < <(seq 1 500); echo $sum
select_like() { local IFS=$'\n'; echo "$*"; }; select_like p q
echo "$(echo "$(echo "$(echo nested)")")" `echo old \`echo nested\``
type -t cd f cat if; command -v printf; hash -r; alias zz='echo alias'; shopt -s expand_aliases; alias zz
echo "$BASH_VERSION" "${BASH_VERSINFO[0]}" "$SHLVL" "${FUNCNAME[0]}|" "$LINENO"
