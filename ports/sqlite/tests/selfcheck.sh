# SPDX-License-Identifier: MIT
# One of upstream's own checks in C: selfcheck.sh processes SCRIPT JOURNAL BEGUN KILLED, threads NAME, or sql SET SIZE OPTION... Prints what should be the same anywhere.
. "$TESTS/../check.sh"
suite=/usr/share/doc/sqlite/suite

# Five processes at one file, told by a script. Of BEGUN tasks KILLED end in a transaction. The pipe ends with the last process: each ends by itself.
processes() { # processes SCRIPT JOURNAL BEGUN KILLED
	{ "$suite/mptester" processes.db "$suite/$1.test" --journalmode "$2"; echo "exit $?"; } 2>&1 | cat > said
	is 'exit status' "$(grep '^exit' said)" 'exit 0'
	is 'errors' "$(grep -c ':ERROR: \|:FATAL: ' said)" 0
	is 'summary' "$(grep -o 'Summary: [0-9]* errors' said)" 'Summary: 0 errors'
	is 'begun' "$(grep -c 'client..: begin ' said)" "$3"
	is 'ended' "$(grep -c 'client..: end ' said)" $(($3 - $4))
	is 'killed' "$(grep -c 'crashing an incomplete transaction' said)" "$4"
	# All but the last, perhaps, which may come after everything else. A write-ahead log needs none: what was not committed is never read.
	recovered=$(grep -c 'recovered [0-9]* pages' said)
	is 'rolled back' "$([ "$2" = WAL ] || [ "$recovered" -ge $(($4 - 1)) ] || echo "$recovered of $4")" ''
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
