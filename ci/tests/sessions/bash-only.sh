a=(one two "three four"); echo "${#a[@]} ${a[2]} ${a[@]:1}"; a+=(five); for x in "${a[@]}"; do printf '<%s>' "$x"; done; echo
declare -A m=([k]=v [x]=y); echo "${m[k]} ${#m[@]}"
cat <(seq 1 3) <(seq 2 4) | wc -l
while read -r l; do echo "ps $l"; done < <(printf 'p\nq\n')
[[ abc123 =~ ^([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[2]}"
echo {a..e} {01..03} x{1,2}y; echo $'tab\tok'; printf -v v '%03d' 7; echo $v
cat <<< "here string"; echo "${v/7/8} ${a[0]^^} ${a[0]:1:2}"
coproc cat; echo via >&"${COPROC[1]}"; read -r r <&"${COPROC[0]}"; echo "$r"; eval "exec ${COPROC[1]}>&-"; wait
shopt -s extglob nullglob
echo /nonexistent*; case foobar in foo@(bar|baz)) echo ext;; esac
set -o pipefail; false | true; echo "pipefail $?"; echo "${PIPESTATUS[@]}"
trap 'echo "err line"' ERR; false; trap - ERR
read -t 0.2 -r nothing < <(exec sleep 5); echo "read $?"
mapfile -t lines < <(seq 1 1000); echo ${#lines[@]}; time_out=$( { time true; } 2>&1 | grep -c real ); echo $time_out
f() { local -n ref=$1; ref=changed; }; f v; echo $v; echo ${!m[@]} | tr ' ' '\n' | sort | tr '\n' ' '; echo
wait -n 2>/dev/null; (exit 7) & wait -n; echo "wait -n $?"; printf '%(%Y)T\n' 0; exec 5</etc/passwd; read -r -u 5 p; echo "${p%%:*}"
