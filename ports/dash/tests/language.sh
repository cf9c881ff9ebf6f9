# SPDX-License-Identifier: MIT
# The language of dash: run as dash language.sh a 'b c' d. Prints what differs, then how many checks there were.
checks=0 failed=0

is() { # is NAME ACTUAL EXPECTED
	checks=$((checks + 1))
	[ "$2" = "$3" ] && return
	failed=$((failed + 1))
	printf 'FAILED %s: is <%s>, expected <%s>\n' "$1" "$2" "$3"
}

# Parameters and their expansions.
is count "$#" 3
is all "$*|$1|${2}" "a b c d|a|b c"
is at "$(for word in "$@"; do printf '<%s>' "$word"; done)" "<a><b c><d>"
set -- "$@" e; shift 2
is shifted "$*" "d e"
unset nothing; empty='' path=/usr/share/lib.tar.gz
is default "${nothing-x}${nothing:-y}${empty-z}${empty:-w}" "xyw"
is assign "${nothing:=now}$nothing" "nownow"
is alternative "${empty+set}${empty:+not}" "set"
is affixes "${path##*/} ${path#*/} ${path%.*} ${path%%.*}" "lib.tar.gz usr/share/lib.tar.gz /usr/share/lib.tar /usr/share/lib"
is length "${#path}" 21
is fatal "$( (unset no; : "${no:?is needed}") 2>&1 | sed 's/.*: no: //')" "is needed"

# Arithmetic.
i=5
is arithmetic "$((i * 3 % 4 + (1 << 10) - 0x10 + 010)) $((i > 4 && i != 6)) $((~0 & 0xff)) $((i += 2)) $i" "1019 1 255 7 7"
is ternary "$((i == 7 ? 70 : 80)) $((i += 3)) $i $((-7 / 2)) $((-7 % 3))" "70 10 10 -3 -1"
is wide "$((9223372036854775807))" 9223372036854775807
is zero "$( (echo $((1 / 0))) 2>&1 | sed 's/.*\(division\)/\1/')" 'division by zero: "1 / 0"'

# Quoting, fields and patterns.
IFS=:; set -- $(echo one:two::four); IFS=$(printf ' \t\n.'); IFS=${IFS%.}
is fields "$#:$1:$3:$4" "4:one::four"
is quotes 'a"b'"c'd"\$\`\\ "a\"bc'd\$\`\\"
is case "$(for f in main.c main.h [x] 7; do case $f in *.[ch]) printf s ;; \[x]) printf b ;; [0-9]) printf n ;; *) printf ? ;; esac; done)" "ssbn"
folder=$(mktemp -d) && cd "$folder" || exit 1
: > a1; : > a2; : > .hidden; mkdir sub; : > 'sub/with space'
is globs "$(echo a? [!a]* sub/* .h* nosuch*)" "a1 a2 sub sub/with space .hidden nosuch*"
is tilde "$(HOME=/nowhere; echo ~ "~")" "/nowhere ~"

# Control flow and functions.
is for "$(for x in 1 2 3 4; do [ $x = 2 ] && continue; [ $x = 4 ] && break; printf $x; done)" 13
is while "$(n=0; while [ $n -lt 3 ]; do n=$((n + 1)); done; until [ $n = 0 ]; do printf $n; n=$((n - 1)); done)" 321
is nested "$(for x in a b; do for y in 1 2; do [ $y = 2 ] && continue 2; printf $x$y; done; done)" a1b1
factorial() { if [ $1 -le 1 ]; then echo 1; else echo $(($1 * $(factorial $(($1 - 1))))); fi; }
is recursion "$(factorial 10)" 3628800
scope() { local v=inner; v=changed; w=leaked; return 3; }
v=outer; scope; is status $? 3; is local "$v $w" "outer leaked"
is subshell "$(v=1; (v=2; cd /); echo $v; pwd)" "1
$folder"
is group "$({ echo x; echo y; } | { read -r l; read -r m; echo "$m$l"; })" yx
is negation "$(! false && echo yes; false || echo or)" "yes
or"
eval 'made="by $(echo eval)"'; is eval "$made" "by eval"
alias greet='echo hello'; eval 'is alias "$(greet)" hello'

# Here-documents and redirection.
word=expanded
cat > text <<-END
	tabs go, $word
	  $((1 + 1)) \$kept
	END
cat >> text <<'END'
	tabs stay, $word
END
is here "$(cat text)" "tabs go, expanded
  2 \$kept
	tabs stay, \$word"
is two "$(cat <<A; cat <<B
first
A
second
B
)" "first
second"
{ echo out; echo err >&2; } > o 2> e; is streams "$(cat o e)" "out
err"
is swap "$( { { echo out; echo err >&2; } 3>&1 1>&2 2>&3 3>&-; } 2> o; cat o)" "err
out"
exec 4> four; echo via 4 >&4; exec 4>&-; is descriptor "$(cat four)" "via 4"
exec 5< text; read -r line <&5; exec 5<&-; is reading "$line" "tabs go, expanded"
set -C; (echo x > o) 2> /dev/null; is noclobber $? 2; echo x >| o; set +C; is clobber "$(cat o)" x
is rw "$(printf 12345 > rw; exec 6<> rw; printf ab >&6; cat rw)" "ab345"

# Builtins.
is printf "$(printf '%05d|%-5s|%x|%o|%c|%b|%s' 42 ab 255 8 xyz 'a\tb' end)" "00042|ab   |ff|10|x|a	b|end"
is read "$(printf 'a b  c d\\\ne\n' | { read x y z; echo "$x|$y|$z"; })" "a|b|c de"
is getopts "$(set -- -a -bval -c x; while getopts ab:c o; do printf '%s%s ' $o "$OPTARG"; done; shift $((OPTIND - 1)); echo $1)" "a bval c x"
is test "$([ -f o ] && [ ! -d o ] && [ -s o ] && [ -d sub ] && [ 3 -gt 2 ] && [ a \< b ] && echo all)" all
is type "$(type cd) $(command -v is) $(command -v nosuch; echo $?)" "cd is a shell builtin is 127"
is umask "$(umask 027; : > m; umask; ls -l m | cut -c1-10)" "0027
-rw-r-----"
(exit 42); is exit $? 42
readonly fixed=1; is readonly "$( (fixed=2) 2>&1 | sed 's/.*: //')" "is read only"
echo 'sourced=$((6 * 7)); return 4' > lib; . ./lib; is source "$?$sourced" 442

cd / && rm -r "$folder"
[ $failed = 0 ] && echo "language: $checks checks passed"
