# SPDX-License-Identifier: MIT
# less at a terminal: what it draws for what is typed. Prints what differs, then how many checks.
. "$TESTS/../check.sh"
. "$TESTS/../terminal.sh"
export TERM=vt100 LESS='' LESSHISTFILE=-
escape=$(printf '\033')

# typed KEYS... -- COMMAND: what it draws at a terminal of 10 lines, without its escape sequences.
typed() {
	type_into 10 60 "$@"
	tr -d '\r\010\017' < screen | sed "s/$escape\[[0-9;?]*[a-zA-Z]//g; s/$escape[=>MH78]//g"
}

seq 1 100 | sed 's/^/line /' > text
is first "$(typed q -- less text | grep -c '^line [1-9]$')" 9
is "next page" "$(typed ' ' q -- less text | grep -c 'line 1[0-8]$')" 9
is back "$(typed G g q -- less text | grep -c 'line 1$')" 2
is end "$(typed G q -- less text | grep -c 'line 100')" 1
is "to a line" "$(typed 50g q -- less text | grep -c 'line 50$')" 1
is percent "$(typed 50p = q -- less text | grep -o 'lines 5[0-9]-5[0-9]/100')" "lines 51-59/100"
is search "$(typed '/7[7]\n' q -- less text | grep -c 'line 77$')" 1
is "search again" "$(typed '/5$\n' n n q -- less text | grep -c 'line 25$')" 1
is "search back" "$(typed G '?line 3\n' q -- less text | grep -c 'line 39$')" 1
is "not found" "$(typed '/nowhere\n' '\n' q -- less text | grep -c 'Pattern not found')" 1
is mark "$(typed 20g ma G "\\\\047a" q -- less text | grep -c 'line 20$')" 2
is filter "$(typed '&5$\n' q -- less text | grep -o 'line [0-9]5$' | sort -u | wc -l)" 8
is "line numbers" "$(typed q -- less -N text | grep -c '^ *[1-9] line [1-9]$')" 9
is option "$(typed '-N\n' q -- less text | grep -c '^ *[2-9] line [2-9]$')" 8
is started "$(typed q -- less +60 text | grep -c 'line 6[0-8]$') $(typed q -- "less -p 'line 7$' text" | grep -c 'line 7$')" "9 1"
is "two files" "$(seq 201 230 > other; typed :n q -- less text other | grep -c '^20[1-8]$')" 8
is shell "$(typed '!echo from the shell\n' '\n' q -- less text | grep -c '^from the shell')" 1
is piped "$(typed '|$cat > piped\n' '\n' q -- less text > /dev/null; wc -l < piped)" 100
is secure "$(LESSSECURE=1 typed '!' '\n' q -- less text | grep -c 'Command not available')" 1
is chopped "$(seq -s ' ' 1 100 > long; typed q -- less -S long | grep -c '^1 2 3.* 2[0-9]>*$')" 1
is binary "$(head -c 2000 /bin/busybox > code; typed y q -- less code | grep -c 'may be a binary file') $(typed y q -- less code | grep -c '^^?ELF')" "1 1"
is controls "$(printf 'a\0\1\2b\377\n' > bytes; typed q -- less bytes | grep -c '^a^@^A^Bb<FF>$')" 1
is utf8 "$(printf 'caf\303\251 \342\202\254\n' > utf8; LC_ALL=C.UTF-8 typed q -- less utf8 | grep -c "$(cat utf8)")" 1
is colours "$(printf '\033[31mred\033[m\n' > red; typed q -- less -R red | grep -c '^red$') $(typed q -- less red | grep -c '^ESC\[31mred')" "1 1"
is opened "$(LESSOPEN='|tr a-z A-Z < %s' typed q -- less text | grep -c '^LINE [1-9]$')" 9
is history "$(LESSHISTFILE=$folder/history typed '/sought\n' '\n' q -- less text > /dev/null; grep -c sought history)" 1
printf '#command\nx quit\nz forw-line\n' > keys.less
is keys "$(typed zzz x -- less --lesskey-src=keys.less text | grep -c 'line 1[0-2]$')" 3

# What fits, or has an end, with the options for it.
printf 'a\nb\n' > short
is "one screen" "$(typed -- less -F -X short)" "a
b"
is "ends at the end" "$(typed ' ' ' ' ' ' -- 'less -E -X other; echo ended' | grep -c '2[0-3][0-9]$\|^ended')" 31
# It reads the keys from the terminal, the text from a pipe, and keeps up with what grows.
is pipe "$(typed G q -- 'seq 1 30000 | less' | grep -o '^30000$')" 30000
is saved "$(typed 'ssaved\n' '\n' G q -- 'seq 1 3000 | less' > /dev/null; seq 1 3000 | cmp - saved && echo same)" same
is follow "$(pause=3 typed F '\003' q -- '(sleep 2; echo appended >> short) & less short' | grep -o appended | head -n 1)" appended
is interrupted "$(pause=1 typed G '\003' q -- 'trap : INT; yes | less; echo ended' | grep -c 'ended')" 1

finish screen
