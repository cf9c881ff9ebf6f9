# SPDX-License-Identifier: MIT
# nano at a terminal: what becomes of files for what is typed. Prints what differs, then how many checks.
. "$TESTS/../check.sh"
. "$TESTS/../terminal.sh"
export TERM=xterm HOME="$folder"

# edit OPTIONS -- KEYS...: nano at a terminal of 24 lines.
edit() {
	options=
	while [ "$1" != -- ]; do options="$options $1"; shift; done
	shift
	type_into 24 80 "$@" -- "nano $options"
}

edit new -- 'first line\r' 'second' '\030' 'y' '\r'
is new "$(cat new)" "first line
second"
is "shows its name" "$(grep -c 'GNU nano' screen)" 1
edit new -- '\016' '\005' ' more' '\017' '\r' '\030'
is appended "$(cat new)" "first line
second more"
printf 'a b a\nb a b\n' > words
edit words -- '\034' 'a\r' 'xyz\r' 'a' '\017\r' '\030'
is replaced "$(cat words)" "xyz b xyz
b xyz b"
edit words -- '\013' '\017\r' '\030'
is cut "$(cat words)" "b xyz b"
edit words -- '\013' '\025' '\025' '\017\r' '\030'
is pasted "$(cat words)" "b xyz b
b xyz b"
edit words -- 'lost' '\030' 'n'
is abandoned "$(head -n 1 words)" "b xyz b"
edit -v words -- 'x' '\030'
is viewed "$(head -n 1 words)" "b xyz b"
printf 'caf\303\251\n' > utf8
LC_ALL=C.UTF-8 edit utf8 -- '\005' '\010' 'e' '\017\r' '\030'
is utf8 "$(cat utf8)" cafe
seq 1 2000 > lines
edit +1500,1 lines -- 'here ' '\017\r' '\030'
is "to a line" "$(sed -n 1500p lines)" "here 1500"
edit -B lines -- 'top ' '\017\r' '\030'
is backup "$(head -n 1 lines) $(head -n 1 lines~)" "top 1 1"
chmod 600 lines
edit lines -- 'x' '\017\r' '\030'
is mode "$(stat -c %a lines)" 600

finish edit
