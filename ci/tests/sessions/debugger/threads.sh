# gdb: a program with threads.
. /opt/sessions/kit
# Which thread runs where and ends first is left to the kernel, and so is whether gdb gets to tell of one that is just made.
orderless() {
	grep -v '^\[Switching\|^\[LWP\|^\[New LWP' | sed 's/" .* in .*/"/; s/^Thread [0-9]* /Thread T /; s/^[* ] [0-9] / T /'
}
debug ./debugged <<'END' | orderless
set args threads
break add
run
info threads
backtrace 2
up
print *number
thread apply all -q -s print sizeof(total)
set scheduler-locking step
down
next
print total
next
print total
set scheduler-locking on
finish
set scheduler-locking off
thread 1
print $_thread
print $_inferior_thread_count
delete
continue
END
# Each that comes to a place.
debug ./debugged <<'END' | orderless | sort
set args threads
break run_thread
commands
silent
print *(int *)argument
backtrace 1
continue
end
run
END
