# SPDX-License-Identifier: MIT
# Upstream's own checks in C: several processes at one file, several threads, and much SQL, of which what it finds is checked.
. "$TESTS/../check.sh"
suite=/usr/share/doc/sqlite/tests

for mode in DELETE WAL PERSIST TRUNCATE; do
	for script in crash01 multiwrite01; do
		"$suite/mptester" mptest.db "$suite/$script.test" --journalmode $mode --timeout 600000 > said 2>&1
		is "$script in mode $mode" "$? $(grep -o 'Summary: 0 errors' said)" "0 Summary: 0 errors"
	done
done

for test in walthread1 walthread2 walthread5 cgt_pager_1 dynamic_triggers checkpoint_starvation_1 create_drop_index_1 lookaside1 vacuum1 stress1 shared1; do
	"$suite/threadtest3" $test > said 2>&1
	is "threads: $test" "$?" 0
done

for set in main cte fp orm rtree; do
	"$suite/speedtest1" --size 3 --testset $set --verify --journal wal speed.db > said 2>&1
	is "SQL: $set" "$?" 0
	is "integrity after $set" "$(sqlite3 speed.db 'PRAGMA integrity_check')" ok
	rm -f speed.db*
done

finish selfcheck
