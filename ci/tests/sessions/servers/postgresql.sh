# A cluster of databases, its server with its helpers, clients side by side, and what a killed one leaves. As an ordinary user: it refuses root.
export PATH=/usr/lib/postgresql/15/bin:$PATH PGHOST=$PWD PGDATABASE=postgres PGUSER=raeen
initdb -D data --no-locale -E UTF8 -A trust >made 2>&1; echo "made $?"
pg_ctl -D data -w -t 300 -l log -o "-k $PWD -h ''" start | tail -n 1
psql -Atc 'select version()'
psql -q <<'SQL'
create table t(id serial primary key, v text, n int);
insert into t(v, n) select md5(i::text), i % 100 from generate_series(1, 20000) i;
create index on t(n);
vacuum analyze t;
select count(*), sum(n), max(v) from t;
explain (costs off) select * from t where n = 5;
begin; delete from t where n < 50; rollback;
select n, count(*) from t group by n order by n limit 3;
-- Helpers beside the server share the scan, by memory that they share.
set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
select count(*) from t where v like '%ab%';
copy (select id, v from t order by id limit 3) to stdout;
insert into t(id) values (1);
select 1 / 0;
SQL
pgbench -i -s 1 -q >/dev/null 2>&1; echo "filled $?"
pgbench -c 4 -j 2 -t 50 2>&1 | grep 'processed\|failed'
psql -Atc 'select sum(abalance) = (select sum(tbalance) from pgbench_tellers) from pgbench_accounts'
# One that is killed takes the others with it, and the server recovers from its log.
psql -Atc 'select pg_sleep(1000)' >slept 2>&1 &
victim() { psql -Atc "select pid from pg_stat_activity where query = 'select pg_sleep(1000)'"; }
until [ "$(victim)" ]; do sleep 0.2; done
kill -9 $(victim); wait; head -n 1 slept
until psql -Atc 'select count(*) from t' 2>/dev/null; do sleep 0.5; done
grep -c 'was terminated by signal 9' log
pg_ctl -D data -m fast -t 300 stop | tail -n 1
