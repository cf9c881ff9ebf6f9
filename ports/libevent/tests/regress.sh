# SPDX-License-Identifier: MIT
# Upstream's own tests over each way to wait that there is, without those that measure time or need a network. Prints what differs, then how many checks.
. "$TESTS/../check.sh"
regress=/usr/share/doc/libevent/tests/regress

# (Without event_pending, which fails where the machine has been up for less than six seconds.)
main=$(printf 'main/%s ' methods event_base_new free_active_base manipulate_active_events event_new_selfarg event_assign_selfarg \
	event_base_get_num_events event_base_get_max_events evmap_invalid_slots bad_assign bad_reentrant priorities priority_active_inversion \
	simpleread simpleread_multiple simplewrite simpleclose_rw simpleclose_close simpleclose_shutdown simpleclose_close_persist \
	simpleclose_shutdown_persist multiple persistent combined loopbreak nonpersist_readd multiple_events_for_same_fd \
	want_only_once event_once_never dup_fd mm_functions get_assignment event_foreach active_by_fd fork)
signals=$(printf 'signal/%s ' signal_dealloc signal_pipeloss signal_switchbase signal_restore signal_assert signal_while_processing)
buffers=$(printf 'evbuffer/%s ' evbuffer add1 add2 readln search callbacks multicast peek freeze_start freeze_end)

# over METHOD: what it says in the end, where that alone is left.
over() {
	others=
	for other in EPOLL POLL SELECT; do [ $other = "$1" ] || others="$others EVENT_NO$other=yes"; done
	is "$1 is used" "$(env $others EVENT_SHOW_METHOD=1 $regress main/event_base_new 2>&1 | grep -io 'using: [a-z]*' | head -n 1 | tr a-z A-Z)" "USING: $1"
	env $others timeout 120 $regress $main $signals et/.. finalize/.. heap/.. $buffers > said 2>&1
	is "$1 ends" $? 0
	is "$1" "$(grep -c FAILED said) $(tail -n 1 said | grep -o '[0-9]* tests ok')" "$2"
	grep -B 2 FAILED said
}

over EPOLL "0 56 tests ok"
over POLL "0 55 tests ok"
over SELECT "0 51 tests ok"
finish regress
