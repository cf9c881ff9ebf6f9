# SPDX-License-Identifier: MIT
# Database files: journals of each kind, much data, a crash in a transaction, damage, dump, import and backup.
. "$TESTS/../check.sh"

exec 2> told # the shell tells of each process that is killed here

fill="CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c BLOB); CREATE INDEX tb ON t(b);
	INSERT INTO t SELECT value, printf('%08x', value * 2654435761 % 4294967296), zeroblob(value % 50) FROM generate_series(1, 20000);"
figures="SELECT count(*), sum(a), count(DISTINCT b), sum(length(c)) FROM t;"
expected='20000|200010000|20000|490000'

for mode in delete truncate persist memory wal off; do
	is "mode $mode" "$(sqlite3 $mode.db "PRAGMA journal_mode = $mode; $fill")" $mode
	is "figures of $mode" "$(sqlite3 $mode.db "$figures")" $expected
	is "integrity of $mode" "$(sqlite3 $mode.db 'PRAGMA integrity_check')" ok
	is "undone in $mode" "$(sqlite3 $mode.db "BEGIN; DELETE FROM t WHERE a % 2; $([ $mode = off ] && echo COMMIT || echo ROLLBACK); SELECT count(*) FROM t")" \
		$([ $mode = off ] && echo 10000 || echo 20000)
done
is 'the write-ahead log is emptied at the end' "$(ls wal.db*)" wal.db

# A program that dies in a transaction: with a small cache its changes are in the file already, and the journal undoes them.
cp delete.db crash.db
{ echo "PRAGMA cache_size = 10; BEGIN; UPDATE t SET b = 'changed' || a; SELECT 'ready';"; echo ".shell kill -9 \$PPID"; } |
	sqlite3 crash.db > out 2> err
is 'killed' "$(cat out)" ready
is 'its journal is left' "$([ -s crash.db-journal ] && echo yes)" yes
is 'and the file has changed' "$(cmp -s delete.db crash.db || echo yes)" yes
is 'undone by the next one' "$(sqlite3 crash.db "$figures SELECT count(*) FROM t WHERE b LIKE 'changed%'; PRAGMA integrity_check" | tr '\n' ' ')" "$expected 0 ok "
is 'the journal is gone' "$(ls crash.db*)" crash.db

# The same with a write-ahead log: what was committed stays although it never reached the file.
sqlite3 log.db 'PRAGMA journal_mode = wal; CREATE TABLE t(a);' > out
{ echo 'PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2);'; echo ".shell kill -9 \$PPID"; } |
	sqlite3 log.db > out 2> err
is 'log is left' "$([ -s log.db-wal ] && echo yes)" yes
is 'committed only' "$(sqlite3 log.db 'SELECT group_concat(a) FROM t; PRAGMA integrity_check' | tr '\n' ' ')" '1 ok '

# Damage is found.
cp delete.db bad.db
dd if=/dev/zero of=bad.db bs=4096 seek=20 count=3 conv=notrunc 2> err
is 'damage' "$(sqlite3 bad.db 'PRAGMA integrity_check' 2>&1 | grep -c -v '^ok$' | sed 's/^[1-9].*/found/')" found
echo 'this is no database, but long enough to look at, and then some more text to fill the header of 100 bytes' > no.db
is 'no database' "$(sqlite3 no.db 'SELECT * FROM sqlite_schema' 2>&1 | sed 's/.*, //')" 'file is not a database (26)'

# Dump, import, backup, vacuum, attach.
is 'dump and load' "$(sqlite3 delete.db .dump | sqlite3 copy.db && sqlite3 copy.db "$figures")" $expected
sqlite3 delete.db '.backup backup.db'
is backup "$(sqlite3 backup.db "$figures")" $expected
sqlite3 -csv -header delete.db 'SELECT a, b FROM t WHERE a <= 1000' > t.csv
is import "$(sqlite3 csv.db '.import --csv t.csv t' 'SELECT count(*), sum(a) FROM t')" '1000|500500'
before=$(wc -c < copy.db)
is vacuum "$(sqlite3 copy.db 'DELETE FROM t WHERE a > 1000; VACUUM; PRAGMA integrity_check; PRAGMA freelist_count' | tr '\n' ' ')" 'ok 0 '
is 'smaller by it' "$([ "$(wc -c < copy.db)" -lt $((before / 10)) ] && echo yes)" yes
is attach "$(sqlite3 delete.db "ATTACH 'csv.db' AS other; SELECT count(*) FROM t JOIN other.t o ON o.b = t.b")" 1000
is 'read only' "$(sqlite3 -readonly delete.db 'DELETE FROM t' 2>&1 | sed 's/.*, //')" 'attempt to write a readonly database (8)'
is mmap "$(sqlite3 delete.db "PRAGMA mmap_size = 10000000; $figures" | tail -n 1)" $expected
is 'large blob' "$(head -c 3000000 /dev/zero | tr '\0' q > q; sqlite3 blob.db "CREATE TABLE b(x); INSERT INTO b VALUES (readfile('q')); SELECT length(x) FROM b; SELECT writefile('q2', x) FROM b"; cmp q q2 && echo same)" '3000000
3000000
same'
is 'temporary tables on disk' "$(sqlite3 delete.db "PRAGMA temp_store = file; PRAGMA cache_size = 20; CREATE TEMP TABLE s AS SELECT b FROM t ORDER BY b DESC; SELECT count(*) FROM s")" 20000

finish files
