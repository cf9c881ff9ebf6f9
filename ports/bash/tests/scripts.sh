# SPDX-License-Identifier: MIT
# What scripts are written in bash for, where it asks the kernel: processes, pipes, files, signals, jobs. Prints what differs, then how many checks.
. "$TESTS/../check.sh"
export LC_ALL=C

b() { bash -c "$@" 2>&1; } # b SCRIPT [NAME ARGUMENT...]

is substitution "$(b 'diff <(seq 1 3) <(seq 2 4) | grep -c "^[-+][0-9]"; wc -l < <(seq 1 5000)')" "2
5000"
is "substitution for output" "$(b 'seq 1 10 | tee >(wc -l > lines) > /dev/null; wait $!; for n in $(seq 50); do [ -s lines ] && break; sleep 0.1; done; cat lines')" 10
is coprocess "$(b 'coproc { while read -r line; do echo "<$line>"; done; }; echo one >&${COPROC[1]}; read -r a <&${COPROC[0]}; echo two >&${COPROC[1]}; read -r b <&${COPROC[0]}; echo "$a$b"')" "<one><two>"
is "pipe statuses" "$(b 'true | (exit 3) | false; echo ${PIPESTATUS[*]}; set -o pipefail; (exit 4) | true; echo $?')" "0 3 1
4"
is lastpipe "$(b 'shopt -s lastpipe; seq 1 100 | while read -r n; do ((sum += n)); done; echo $sum')" 5050
is "long pipe" "$(b 'c=cat; for n in {1..30}; do c+="|cat"; done; seq 1 20000 | eval "$c" | tail -n 1')" 20000
is descriptors "$(b 'exec {fd}> file; echo text >&$fd; exec {fd}>&-; echo $((fd >= 10)) $(< file); exec 3<> file; read -r -u 3 x; echo more >&3; exec 3>&-; cat file')" "1 text
text
more"
is herestring "$(b 'read -r a b <<< "one two"; echo $b; cat <<-END
	tabs $a
	END')" "two
tabs one"
is "big here" "$(b 'x=$(seq 1 30000); cat <<< "$x" | tail -n 1; wc -l <<END
$x
END')" "30000
30000"
is noclobber "$(b 'set -C; echo 1 > new; echo 2 > new; echo 3 >| new; cat new' name)" "name: line 1: new: cannot overwrite existing file
3"
is arrays "$(b 'declare -A m=([b]=2 [a]=1); for k in $(printf "%s\n" "${!m[@]}" | sort); do echo -n "$k${m[$k]} "; done; a=({1..5}); echo ${a[@]:1:3} ${#a[@]}; mapfile -t l < <(seq 1 1000); echo ${l[999]}')" "a1 b2 2 3 4 5
1000"
is strings "$(b 'v=path/to/file.tar.gz; echo ${v##*/} ${v%%.*} ${v/to/TO} ${v^^} ${#v}; printf -v x "%05d|%q" 42 "a b"; echo $x; [[ $v =~ ([a-z]+)\.tar ]] && echo ${BASH_REMATCH[1]}')" "file.tar.gz path/to/file path/TO/file.tar.gz PATH/TO/FILE.TAR.GZ 19
00042|a\\ b
file"
is globs "$(b 'mkdir -p d/e/f; touch d/a.c d/e/b.c d/e/f/c.c d/e/f/n.h; shopt -s globstar extglob nullglob
echo d/**/*.c; echo d/e/f/!(*.h) none*')" "d/a.c d/e/b.c d/e/f/c.c
d/e/f/c.c"

# Signals, traps, children, jobs.
is traps "$(b 'trap "echo usr1" USR1; trap "echo end" EXIT; kill -USR1 $$; trap "echo err \$?" ERR; false; (exit 2); echo last')" "usr1
err 1
err 2
last
end"
is "interrupted wait" "$(b 'trap "echo caught" USR1; sleep 30 & s=$!; (sleep 0.3; kill -USR1 $$) & wait $s; echo $(($? > 128)); kill $s')" "caught
1"
is "wait for one" "$(b '(sleep 0.6; exit 5) & (sleep 0.1; exit 6) & wait -n; echo $?; wait -n; echo $?; wait -n; echo $?')" "6
5
127"
is killed "$(b 'sh -c "kill -SEGV \$\$"; echo $?; (kill -TERM $BASHPID); echo $?' 2>&1 | grep '^[0-9]')" "139
143"
is jobs "$(b 'set -m; sleep 30 & jobs %1; kill -STOP %1; sleep 0.3; kill -CONT %1; sleep 0.3; kill %1; wait %1; echo $?' | tr -s ' \n')" "[1]+ Running sleep 30 &
[1]+ Stopped sleep 30
[1]+ Terminated sleep 30
143"
is groups "$(b 'set -m; sleep 5 & p=$!; read -r _ _ _ _ g _ < /proc/$p/stat; echo $((g == p)); kill $p' | head -n 1)" 1
is read-timeout "$(b 'mkfifo pipe; exec 3<> pipe; read -r -t 0.3 -u 3 x; echo $(($? > 128)); echo abc >&3; read -r -n 2 -u 3 x; echo $x')" "1
ab"
is limits "$(b 'ulimit -n 50; ulimit -n; (ulimit -f 1; dd if=/dev/zero of=f bs=1k count=9; echo $?) 2> /dev/null; wc -c < f')" "50
153
1024"
is umask "$(b 'umask 027; > u; stat -c %a u; umask -S')" "640
u=rwx,g=rx,o="
is exec "$(b 'exec -a other bash -c "echo \$BASH_ARGV0"'; b 'nosuch; echo $?; ./u; echo $?; command -v bash' name)" "other
name: line 1: nosuch: command not found
127
name: line 1: ./u: Permission denied
126
/bin/bash"
is times "$(b 'TIMEFORMAT="%R %U"; time sleep 0.3' | grep -c '^0\.[3-9]\|^[1-9]') $(b 'echo $((EPOCHSECONDS > 1600000000)) $((SECONDS < 5)); printf "%(%Y)T\n" 0')" "1 1 1
1970"
is "no loss" "$(b 'for n in {1..300}; do (exit 0) & done; wait; echo $?')" 0
is restricted "$(b 'set -r; cd /; echo x > no; exec true; PATH=/' name | grep -c 'restricted\|readonly')" 3
is functions "$(b 'f() { local x=$1; ((x > 0)) && f $((x - 1)); ((x)) || echo ${#FUNCNAME[@]}; }; f 200; export -f f; bash -c "f 3"')" "201
4"

finish scripts
