# SPDX-License-Identifier: MIT
# bash at a terminal: lines edited, completed, recalled, jobs stopped and continued by keys. Prints what differs, then how many checks.
. "$TESTS/../check.sh"
. "$TESTS/../terminal.sh"
export TERM=vt100 HOME="$folder" LC_ALL=C.UTF-8 PS1='$ ' HISTFILE="$folder/history"
echo "PS1='$ '" > .bashrc

# typed KEYS...: at a terminal, to a shell that is left in the end. What programs wrote is in out.
typed() {
	: > out
	type_into 24 80 "$@" '\003' '\n' 'exit\n' 'exit\n' -- 'bash -i'
	cat out
}

is line "$(typed 'echo plain > out\n')" plain
is "cursor keys" "$(typed 'echo bd > out' '\001' '\033[C\033[C\033[C\033[C\033[C' 'a' '\006c' '\n')" abcd
is deleted "$(typed 'echo one two three' '\027\027' 'four > out\n')" "one four"
is yanked "$(typed 'cd\001\013' 'echo > out \031\n')" cd
is undone "$(typed 'echo ab' 'c' '\010' '\037' ' > out\n')" abc
is utf8 "$(typed 'echo caf\303\251x' '\010\010' 'e > out\n')" cafe
touch completed-file
is completed "$(typed 'echo comple\t > out\n')" completed-file
is programmable "$(typed 'complete -W "alpha beta" echo\n' 'echo b\t > out\n')" beta
is recalled "$(typed 'echo first > out\n' 'echo second > /dev/null\n' '\033[A\033[A' '\n')" first
is searched "$(typed 'echo needle > out\n' 'echo hay > out\n' '\022need' '\r')" needle
is expanded "$(typed 'echo word > /dev/null\n' 'echo !!:1 > out\n')" word
is kept "$(typed 'echo kept\n' 'exit\n' > /dev/null; grep -c '^echo kept$' history)" 1
is interrupted "$(pause=0.6 typed 'sleep 30\n' '\003' 'echo $? > out\n')" 130
is stopped "$(pause=0.6 typed 'sleep 30\n' '\032' 'jobs > out; kill %%1\n' | tr -s ' ')" "[1]+ Stopped sleep 30"
is foreground "$(pause=0.6 typed 'sh -c "sleep 2; echo continued > out"\n' '\032' 'fg\n' 'sleep 2\n')" continued
is background "$(pause=0.6 typed 'sh -c "sleep 1; echo continued > out"\n' '\032' 'bg\n' 'wait\n')" continued
is "stops who reads" "$(pause=0.6 typed 'cat &\n' 'jobs > out; kill -9 %%1\n' | tr -s ' ')" "[1]+ Stopped cat"
is size "$(typed 'echo $LINES $COLUMNS > out\n')" "24 80"
is vi "$(typed 'set -o vi\n' 'echo abc' '\033' 'xa' 'd > out\n')" abd

finish editing
