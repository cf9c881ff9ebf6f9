# A server in memory, whose snapshots a child writes while it goes on.
redis-server --port 0 --unixsocket $PWD/socket --daemonize yes --dir $PWD --appendonly yes --logfile log >/dev/null
c() { redis-cli -s socket "$@"; }
until c ping 2>/dev/null | grep -q PONG; do sleep 0.2; done
c set a 1; c incr a; c rpush l x y z; c lrange l 0 -1; c eval 'return redis.call("get", "a") * 2' 0
c publish nobody hears
redis-benchmark -s socket -q -n 2000 -c 20 -t set,get,lpush 2>&1 | tr '\r' '\n' | grep -c 'requests per second'
for how in bgsave bgrewriteaof; do
	c $how; sleep 1
	until c info persistence | grep -q 'rdb_bgsave_in_progress:0' && c info persistence | grep -q 'aof_rewrite_in_progress:0'; do sleep 0.2; done
done
c info persistence | grep 'last.*status' | tr -d '\r'
c shutdown; until grep -q 'bye bye' log; do sleep 0.2; done
redis-server --port 0 --unixsocket $PWD/socket --daemonize yes --dir $PWD --appendonly yes --logfile log >/dev/null
until c ping 2>/dev/null | grep -q PONG; do sleep 0.2; done
until c get a | grep -q '^[0-9]'; do sleep 0.2; done
c get a; c lrange l 0 -1; c shutdown nosave
