# The database's shell: tables, indices, every journal mode, processes that share a database.
echo "$(sqlite3 :memory: 'select sqlite_version();')"
sqlite3 one.db <<'SQL'
create table people(id integer primary key, name text not null unique, born int check (born > 1800));
insert into people(name, born) values ('Ada', 1815), ('Alan', 1912), ('Grace', 1906);
create table things(owner references people on delete cascade, what text);
insert into things values (1, 'engine'), (2, 'machine'), (3, 'compiler'), (3, 'moth');
create index by_owner on things(owner); create view v as select name, count(*) n from people join things on owner = id group by id;
.mode box
select * from v order by n desc, name;
.mode csv
select name, (select group_concat(what, '+') from things where owner = id) from people where born between 1900 and 1950;
pragma foreign_keys = on; delete from people where name = 'Grace'; select count(*) from things;
insert into people(name, born) values ('Ada', 1900);
insert into people(name, born) values ('Old', 1000);
explain query plan select * from things where owner = 1;
with recursive c(n) as (select 1 union all select n + 1 from c where n < 100) select sum(n), max(n), avg(n) from c;
select name, row_number() over (order by born), lag(name) over (order by born) from people;
select json_extract('{"a":[1,{"b":2}]}', '$.a[1].b'), upper('x'), printf('%05.2f', 3.14159), hex(zeroblob(3)), date('2024-02-29', '+1 year'), typeof(1.0), 7 / 2, abs(-3), like('A%', 'abc'), instr('hello', 'l');
.schema people
pragma integrity_check;
SQL
for mode in delete truncate persist memory off wal; do
	sqlite3 $mode.db "pragma journal_mode = $mode; create table t(a, b); create index i on t(a); begin; insert into t values (1, 'kept'); commit; begin; insert into t values (2, 'undone'); update t set b = 'spoilt'; savepoint s; delete from t; rollback to s; select count(*) from t;" \
		"$([ $mode = off ] && echo 'commit' || echo 'rollback'); select * from t; pragma integrity_check; pragma page_size; pragma journal_mode;"
	ls $mode.db*
done
sqlite3 big.db "create table t(id integer primary key, k int, v text); begin; with recursive c(n) as (select 1 union all select n + 1 from c where n < $ROWS) insert into t select n, n * 7919 % 10007, 'value ' || n from c; commit; create index k on t(k); select count(*), sum(k), count(distinct k) from t; select v from t where k = 5 order by id limit 3; delete from t where id % 2; vacuum; pragma integrity_check; select count(*) from t; pragma freelist_count;"
sqlite3 big.db .dump | head -c 300; sqlite3 big.db '.dump' | sqlite3 again.db; sqlite3 again.db 'select count(*), min(v), max(v) from t;'
sqlite3 big.db ".backup copy.db"; sqlite3 copy.db 'pragma quick_check; select sum(k) from t;'
sqlite3 fts.db "create virtual table d using fts5(body); insert into d values ('the quick brown fox'), ('jumps over the lazy dog'), ('quick dogs'); select rowid, highlight(d, 0, '[', ']') from d where d match 'quick' order by rank; select count(*) from d where d match 'dog*';"
sqlite3 map.db "pragma mmap_size = 10000000; create table m(x); insert into m select value from generate_series(1, 5000); select sum(x) from m; pragma integrity_check;"
for mode in delete wal; do
	sqlite3 shared-$mode.db "pragma journal_mode = $mode; create table c(n int, who int); insert into c values (0, 0);" > /dev/null
	for who in 1 2 3 4; do
		(for i in {1..8}; do echo ".timeout 20000"; echo "begin immediate; update c set n = n + 1 where who = 0; insert into c values ($i, $who); commit;"; done | sqlite3 shared-$mode.db) &
	done
	wait
	sqlite3 shared-$mode.db "select n from c where who = 0; select who, count(*), sum(n) from c group by who; pragma integrity_check;"
done
mkfifo hold; (echo .timeout 20000; echo 'begin exclusive; insert into c values (9, 9);'; cat hold; echo 'rollback;') | sqlite3 shared-delete.db & exec 6> hold; while sqlite3 shared-delete.db 'begin immediate; rollback;' 2> /dev/null; do sleep 0.05; done
sqlite3 shared-delete.db 'insert into c values (1, 1);' 2>&1 | grep -c 'is locked'; exec 6>&-; wait; sqlite3 shared-delete.db 'select count(*) from c;'
# A writer that dies in the middle leaves a journal, which the next reader plays back: once it begins with what says that it counts.
sqlite3 crash.db "create table t(a); insert into t select value from generate_series(1, 8000);"; mkfifo wait; (echo "pragma cache_size = 5; begin; update t set a = -a;"; cat wait) | sqlite3 crash.db & pid=$!; exec 7> wait; until [ -n "$(head -c 8 crash.db-journal 2> /dev/null | tr -d '\000')" ]; do sleep 0.05; done
kill -KILL $pid; exec 7>&-; wait $pid 2> /dev/null; ls crash.db-journal; sqlite3 crash.db 'select count(*), min(a), max(a) from t; pragma integrity_check;'; ls crash.db*
