# SPDX-License-Identifier: MIT
# Upstream's own tests, each by itself, without those that need a network. One that fails is tried once more: some measure times. Prints what fails, then how many checks.
. "$TESTS/../check.sh"
suite=/usr/share/doc/libuv/suite
cp -R $suite/test "$folder/"
export UV_RUN_AS_ROOT=1

# What wants the network under other names.
network="connect_unspecified connection_fail connection_fail_doesnt_auto_close delayed_accept emfile handle_fileno ipc_listen_after_write ipc_listen_before_write
	multiple_listen poll_close_doesnt_corrupt_stack poll_closesocket poll_duplex poll_oob poll_unidirectional socket_buffer_size threadpool_multiple_event_loops
	watcher_cross_stop"
# Root may write what fs_copyfile expects to be refused; a static program loads no library; spawn_set* want users that not all guests have.
others="fs_copyfile dlerror spawn_setuid_setgid spawn_setuid_fails spawn_setgid_fails"
left_out=" $(echo $network $others) "

# The list names helpers of a test behind it.
tests=$($suite/uv_run_tests --list | grep -v 'tcp\|udp\|getaddrinfo\|getnameinfo\|gethostbyname\|platform_output' | awk '{ print $1 }' | sort -u)
# run TEST. What it skips, by status 7, is for other systems, or wants a terminal.
run() {
	timeout -s KILL 60 $suite/uv_run_tests $1 < /dev/null > said 2>&1 || [ $? = 7 ]
}

is "there are tests" $(($(echo "$tests" | wc -l) > 250)) 1
for test in $tests; do
	case $left_out in *" $test "*) continue ;; esac
	run $test || run $test
	is $test $? 0 || tail -n 5 said
done
finish suite
