# gdb: watchpoints, which it does by single steps when it is told that the processor's are not to be had.
. /opt/sessions/kit
debug ./debugged <<'END'
set args calls
set can-use-hw-watchpoints 0
break add_squares
run
watch total
continue
continue
print i
delete 2
watch i if i == 5
continue
print i
info watchpoints
delete
continue
END
