# gdb at a terminal, which the program has while it runs: Ctrl-C goes to that, and gdb stops it.
. /opt/sessions/kit
mkfifo keys
export TERM=dumb
script -qefc 'stty -echo; exec gdb -q -nx -ex "set editing off" -ex "set confirm off" ./debugged' log < keys > /dev/null &
exec 3> keys
# Types $1, and waits until the log has the line $2 for the $3rd time.
type() {
	printf "$1" >&3
	until [ $(grep -c "$2" log) -ge ${3:-1} ]; do sleep 0.1; done
}
# The program that gdb has told the number of has the terminal, and is not stopped.
runs() {
	pid=$(sed -n 's/.*process \([0-9]*\) .*native.*/\1/p' log)
	until grep -q ') [RS] [0-9]* \([0-9]*\) [0-9]* [0-9]* \1 ' /proc/$pid/stat; do :; done
}
until grep -q '(gdb) $' log; do sleep 0.1; done
type 'run waits\n' waiting
type '\003' SIGINT
type 'tbreak wait_a_little\n' 'Temporary breakpoint 1 at'
type 'continue\n' 'hit Temp\|1, wait'
type 'info inferiors\n' native
type 'continue\n' Continuing 2
runs
type '\003' SIGINT 2
type 'set variable released = 4\n' '(gdb) $'
type 'continue\n' exited
type 'shell stty -a | grep -o "isig"\n' isig
type 'quit\n' '^Script done'
wait
sed 's/ in .*()/ in PLACE/; s/ [a-z_]* () at .*/ PLACE/; /^[0-9]/d; /^Script /d' log | tr -d '\r' | plain
