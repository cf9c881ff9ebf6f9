# SPDX-License-Identifier: MIT
# Several processes at one database: locks between them, and the shared memory of the write-ahead log.
. "$TESTS/../check.sh"


# A process that holds a transaction open until it is told to end: orders go in by a pipe, answers come out by another.
mkfifo orders answers
holder() { # holder DATABASE: starts one; "tell SQL" waits until that was done
	sqlite3 "$1" < orders > answers 2>&1 &
	exec 3> orders 4< answers
}
tell() { echo "$1 SELECT 'done';" >&3; read -r answer <&4; }
end() { exec 3>&- 4<&-; wait; }

for mode in delete wal; do
	sqlite3 $mode.db "PRAGMA journal_mode = $mode; CREATE TABLE t(a); INSERT INTO t VALUES (1);" > out
	holder $mode.db
	tell 'BEGIN IMMEDIATE; INSERT INTO t VALUES (2);'
	is "$mode: the holder writes" "$answer" 'done'
	is "$mode: another one cannot write" "$(sqlite3 $mode.db 'INSERT INTO t VALUES (9)' 2>&1 | sed 's/.*, //')" 'database is locked (5)'
	is "$mode: but reads what was there" "$(sqlite3 $mode.db 'SELECT count(*) FROM t')" 1
	sqlite3 $mode.db '.timeout 20000' 'INSERT INTO t VALUES (3)' & waiting=$!
	tell 'COMMIT;'
	wait $waiting; is "$mode: one that waits gets its turn" $? 0
	is "$mode: all is there" "$(sqlite3 $mode.db 'SELECT count(*) FROM t')" 3
	tell 'BEGIN; SELECT count(*) FROM t;'
	is "$mode: a reader" "$answer" 3
	read -r answer <&4
	if [ $mode = wal ]; then
		sqlite3 $mode.db 'INSERT INTO t VALUES (4)'; is 'wal: a reader does not stop a writer' $? 0
		tell 'SELECT count(*) FROM t;'; is 'wal: and sees no change in its transaction' "$answer" 3; read -r answer <&4
		tell 'COMMIT; SELECT count(*) FROM t;'; is 'wal: but after it' "$answer" 4; read -r answer <&4
		is 'wal: shared memory' "$(ls wal.db-shm)" wal.db-shm
		is 'wal: checkpoint' "$(sqlite3 wal.db 'PRAGMA wal_checkpoint(TRUNCATE)')" '0|0|0'
	else
		is 'delete: a reader stops a commit' "$(sqlite3 $mode.db 'INSERT INTO t VALUES (4)' 2>&1 | sed 's/.*, //')" 'database is locked (5)'
	fi
	end
done

# Many writers at once: none loses anything.
for mode in delete wal; do
	sqlite3 many.$mode "PRAGMA journal_mode = $mode; CREATE TABLE n(who, i); CREATE TABLE sum(x); INSERT INTO sum VALUES (0);" > out
	for who in 1 2 3 4; do
		for i in 1 2 3 4 5 6 7 8 9 10; do
			echo "BEGIN IMMEDIATE; INSERT INTO n VALUES ($who, $i); UPDATE sum SET x = x + $i; COMMIT;"
		done | sqlite3 -cmd '.timeout 60000' many.$mode &
	done
	wait
	is "$mode: four writers" "$(sqlite3 many.$mode 'SELECT count(*), count(DISTINCT who) FROM n; SELECT x FROM sum; PRAGMA integrity_check' | tr '\n' ' ')" '40|4 220 ok '
done

finish processes
