# SPDX-License-Identifier: MIT
# What dash asks of the kernel: pipes, traps, signals, background jobs, exec. Prints what differs, then how many checks.
checks=0 failed=0

is() { # is NAME ACTUAL EXPECTED
	checks=$((checks + 1))
	[ "$2" = "$3" ] && return
	failed=$((failed + 1))
	printf 'FAILED %s: is <%s>, expected <%s>\n' "$1" "$2" "$3"
}

is pipeline "$(seq 1 1000 | while read -r n; do [ $((n % 7)) = 0 ] && echo $n; done | wc -l)" 142
is status "$(false | true; echo $?; true | false; echo $?)" "0
1"
is broken "$(yes | head -n 2; echo $?)" "y
y
0"
is substitution "$(echo $(echo $(echo deep)))" deep
is large "$(head -c 300000 /dev/zero | tr '\0' x | wc -c)" 300000
is variable "$(big=$(head -c 200000 /dev/zero | tr '\0' y); echo ${#big})" 200000

# Traps.
is exit "$(trap 'echo bye $?' EXIT; echo hello; exit 3)" "hello
bye 3"
is self "$(dash -c 'trap "echo got" USR1; kill -USR1 $$; echo after')" "got
after"
is ignored "$(dash -c 'trap "" TERM; kill -TERM $$; dash -c "kill -TERM \$\$"; echo alive')" alive
is reset "$(dash -c 'trap "echo no" INT; trap - INT; trap')" ""
is listed "$(dash -c 'trap "echo x" HUP; trap')" "trap -- 'echo x' HUP"
is interrupted "$(dash -c 'trap "echo woken; exit 5" ALRM; (kill -ALRM $$) & wait; echo never'; echo $?)" "woken
5"

# Deaths.
dash -c 'exit 77'; is code $? 77
for pair in TERM:143 KILL:137 HUP:129 SEGV:139; do
	dash -c "kill -${pair%:*} \$\$" 2> /dev/null; is "killed by ${pair%:*}" $? "${pair#*:}"
done
dash -c 'exec /etc/passwd' 2> /dev/null; is 'not executable' $? 126
dash -c 'exec /nosuch' 2> /dev/null; is 'not there' $? 127

# Background jobs. dash tells of those that were killed on its standard error.
exec 2> /dev/null
sleep 100 & first=$!
sleep 100 & second=$!
[ "$first" != "$second" ]; is 'two processes' $? 0
kill $first; wait $first; is 'wait for a killed one' $? 143
kill -9 $second; wait; is 'wait for all' $? 0
(exit 9) & wait $!; is 'wait for one' $? 9
is 'many at once' "$(i=0; while [ $i -lt 30 ]; do (echo $i) & i=$((i + 1)); done | sort -n | tail -n 1; wait)" 29
is 'stopped and continued' "$(dash -c 'sleep 100 & kill -STOP $!; kill -CONT $!; kill $!; wait $!; echo $?')" 143
is jobs "$(dash -c 'sleep 100 & jobs; kill $!' | sed 's/^\[1\] *+ *//; s/ *$//')" Running

# exec and the environment.
is exec "$(dash -c 'exec echo replaced; echo never')" replaced
is environment "$(A=1 dash -c 'export B=2; C=3; A=4 env' | grep '^[ABC]=' | sort | tr '\n' ' ')" "A=4 B=2 "
is parent "$(dash -c 'echo $PPID')" "$$"
is limit "$(ulimit -n 20; ulimit -n; dash -c 'ulimit -n')" "20
20"
[ -n "$(times)" ]; is times $? 0
is cd "$(cd /usr/bin/../share && pwd; cd - > /dev/null && pwd)" "/usr/share
$PWD"

[ $failed = 0 ] && echo "processes: $checks checks passed"
