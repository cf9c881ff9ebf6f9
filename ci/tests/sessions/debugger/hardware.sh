# gdb: watchpoints and breakpoints of the processor.
. /opt/sessions/kit
debug ./debugged <<'EOF'
set args calls
break add_squares
run
watch total
continue
continue
info watchpoints
print i
condition 2 total > 20
continue
print i
delete
rwatch pair.number
awatch pair.name
continue
backtrace 1
continue
continue
EOF
debug ./debugged <<'EOF'
set args calls
break calls
run
hbreak recurse if depth == 1
hbreak square
continue
continue
print number
delete 3
continue
backtrace 3
info breakpoints
delete
continue
EOF
# A thread's own access, which gdb asks for in all.
debug ./debugged <<'EOF' | grep -v '^\[Switching\|^\[LWP\|^\[New\|^\[Thread' | sed 's/^Thread [0-9]* .* hit/Thread T hit/; s/" .* in .*/"/'
set args threads
break main
run
watch total
continue
continue
delete
continue
EOF
# What gdb has left when it goes does not stop the program.
./debugged waits > output &
pid=$!
until grep -q waiting output; do :; done
debug -p $pid ./debugged <<'EOF' | grep -v ' in '
watch handled
hbreak let_go
detach
EOF
kill -USR1 $pid
wait $pid
echo $?
