# SPDX-License-Identifier: MIT
# One of upstream's own checks in C: selfcheck.sh processes SCRIPT JOURNAL ENDED KILLED, threads NAME, or sql SET SIZE OPTION... Prints what should be the same anywhere.
. "$TESTS/../check.sh"
suite=/usr/share/doc/sqlite/suite

# Five processes at one file, told by a script. The pipe ends with the last process: each ends by itself. ENDED tasks end, and some of KILLED more are killed in
# a transaction: the script does not wait for these, and does without those that come too late.
processes() { # processes SCRIPT JOURNAL ENDED KILLED
	{ "$suite/mptester" processes.db "$suite/$1.test" --journalmode "$2"; echo "exit $?"; } 2>&1 | cat > said
	is 'exit status' "$(grep '^exit' said)" 'exit 0'
	is 'errors' "$(grep -c ':ERROR: \|:FATAL: ' said)" 0
	is 'summary' "$(grep -o 'Summary: [0-9]* errors' said)" 'Summary: 0 errors'
	is 'ended' "$(grep -c 'client..: end ' said)" "$3"
	killed=$(grep -c 'crashing an incomplete transaction' said)
	is 'begun' "$(grep -c 'client..: begin ' said)" $(($3 + killed))
	is 'killed' "$([ "$killed" -ge $(($4 > 0)) ] && [ "$killed" -le "$4" ] || echo "$killed of $4")" ''
	# All but the last, perhaps, which may come after everything else. A write-ahead log needs none: what was not committed is never read.
	recovered=$(grep -c 'recovered [0-9]* pages' said)
	is 'rolled back' "$([ "$2" = WAL ] || [ "$recovered" -ge $((killed - 1)) ] || echo "$recovered of $killed")" ''
	is 'integrity' "$(sqlite3 processes.db 'PRAGMA integrity_check')" ok
}

threads() { # threads NAME
	"$suite/threadtest3" "$1" > said 2>&1
	is 'exit status' $? 0
	is 'errors' "$(grep -c '^Error' said)" 0
	is 'summary' "$(tail -n 1 said)" '0 errors out of 1 tests'
	is 'integrity' "$(sqlite3 test.db 'PRAGMA integrity_check')" ok
}

# The sum of all that was read is the same as with a database in memory. A small cache: the file is written and read all the time.
sql() { # sql SET SIZE OPTION...
	set=$1 size=$2
	shift 2
	"$suite/speedtest1" --verify --testset "$set" --size "$size" --memdb memory > expected 2>&1
	is 'in memory' $? 0
	"$suite/speedtest1" --verify --testset "$set" --size "$size" --cachesize 20 "$@" sql.db > said 2>&1
	is 'in a file' $? 0
	is 'what was read' "$(grep 'Verification Hash' said)" "$(grep 'Verification Hash: [1-9]' expected)"
	is 'integrity' "$(sqlite3 sql.db 'PRAGMA integrity_check')" ok
	grep 'Verification Hash' said
}

"$@"
finish "$1" || { tail -n 60 said; false; }
