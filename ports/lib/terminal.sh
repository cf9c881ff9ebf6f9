# SPDX-License-Identifier: MIT
# Read by tests of ports that draw (. "$TESTS/../terminal.sh").

# type_into ROWS COLUMNS KEYS... -- COMMAND: runs it at a terminal of that size and types the KEYS, in printf's notation, one after the other, $pause
# (0.4) s between them, from when it has drawn something. All that it drew is in ./screen afterwards.
type_into() {
	setup="stty rows $1 cols $2"
	shift 2
	: > keys
	while [ "$1" != -- ]; do printf "sleep %s; printf '%s'\n" "${pause-0.4}" "$1" >> keys; shift; done
	shift
	: > screen
	(
		i=0
		while [ ! -s screen ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.1; done
		. ./keys
		sleep "${pause-0.4}"
	) | timeout 60 script -qc "$setup; $*" /dev/null > screen 2>&1
}
