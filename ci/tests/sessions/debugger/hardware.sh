# gdb: watchpoints of the processor; each command by itself, as the first that fails ends a file of them.
. /opt/sessions/kit
debug -ex 'set args calls' -ex 'break add_squares' -ex run -ex 'watch total' -ex continue -ex 'print total' -ex 'delete 2' \
	-ex 'set can-use-hw-watchpoints 0' -ex 'watch total' -ex continue -ex delete -ex continue ./debugged < /dev/null
