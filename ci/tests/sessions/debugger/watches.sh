# gdb: watchpoints by single steps, as it does them where it may not have the processor's.
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
