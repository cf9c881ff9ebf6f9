# procps: processes of our own, whose figures are known; other numbers are as on Linux in their shape only.
export COLUMNS=160
mkfifo fifo
await() { for i in {1..100}; do eval "$1" && return; sleep 0.1; done; echo "$1 never came true"; }
sleep 1001 & a=$!; nice -n 5 sleep 1002 & b=$!; bash -c 'exec -a "other name" sleep 1003' & c=$!; sleep 1004 & d=$!
bash -c 'trap "" HUP; trap : USR1; read x <> fifo' & e=$!
perl -e 'if (!fork) { exit } sleep 1005' & f=$!; perl -e '$0 = "perl renames itself"; $) = "5 5 6 7"; $> = 1000; sleep 1006' & g=$!
for p in $a $b $c $d; do await "[ \"\$(ps -o comm= -p $p)\" = sleep ]"; done
kill -STOP $d; await '[ "$(ps -o s= -p $d)" = T ]'; await '[ "$(ps -o stat= --ppid $f)" = Z ]'; await '[ "$(ps -o euser= -p $g)" = raeen ]'
await 'grep -q "^SigIgn.*7$" /proc/$e/status && grep -q "^SigCgt.*2..$" /proc/$e/status'
session=$(ps -o sid= -p $$)
names() { sed -E "s/\b$a\b/A/g; s/\b$b\b/B/g; s/\b$c\b/C/g; s/\b$d\b/D/g; s/\b$e\b/E/g; s/\b$f\b/F/g; s/\b$g\b/G/g; s/\b$$\b/SHELL/g; s/ +/ /g"; }
shape() { sed -E 's/[0-9]+/N/g; s/ +/ /g; s/ $//'; }
of=$a,$b,$c,$d,$f,$g
# Who is whose, in which state, under which name; users; signals; sizes and times.
ps -o pid,ppid,tty,stat,ni,pri,nlwp,comm:20,args -p $of | names; ps -o pgid=,sid= -p $$,$of | sort -u | grep -c .
ps -o user,uid,ruser,euser,suser,gid,egroup,supgid,cls,rtprio -p $a,$g | names; ps -o pending,blocked,ignored,caught -p $e | names
ps -o s= -p $e; ps -o stat=,comm= --ppid $f; ps -o stat=,psr=,sz=,vsz=,rss=,pmem=,pcpu=,time=,etime=,bsdtime= -p $b | shape
ps -o lstart=,start= -p $a | shape | cut -d' ' -f3-; ps -o rss=,vsz=,sz= -p $$ | gawk '{ print ($1 > 500 && $1 < $2), ($2 == $3 * 4) }'
# The layouts, choices and orders of its options.
for o in '' -f -F -l -ly u v X s j -j 'u -L' -Lf; do ps $o -p $a 2>&1 | head -n 1; done
ps -f -p $a | sed 1d | shape; ps u -p $a | sed 1d | shape | sed 's/N[.]N/N/g'; ps --forest -o args= -s $session > forest; sed -n '/sleep 100[12]/p; /perl/p' forest | sed 's/^ *//; s/^|  *|/||/'
ps -C sleep -o args= --sort=-args; ps -N -p 1 -o pid= | grep -c . | shape; ps -p 99999; echo $?; ps -o nothing; echo $?
ps -eo pid= --sort=pid | head -n 1; ps -eo args= | grep -c '[s]leep 100'
pgrep -x sleep | names; pgrep -l -P $$ sleep | names; pgrep -a -f 'sleep 100[34]' | names; pgrep -f renames | names; pgrep -n -x sleep | names
pgrep -o -x sleep | names; pgrep -c -u 0 -x sleep; pgrep -u raeen | names; pgrep -r T | names; pgrep -d, -s $session -x sleep | names
pgrep -x nothing; echo $?; pgrep -v -x sleep -P $$ | names | grep -c '^[A-Z]$'; pwdx $a | names
kill -CONT $d; await '[ "$(ps -o stat= -p $d)" = S ]'
# top's head, its rows, its threads, its orders.
top -b -n 1 -p $a,$b > top; sed -E '1,2s/[0-9]+/N/g; 3,5s/[0-9.]+/N/g; 1s/.*(load)/\1/; s/ +/ /g; 7q' top
sed 1,7d top | names | sort | gawk '{ print $1, $2, $3, $4, ($5 > 1000), ($6 > 200), $8, $NF }'
top -b -n 2 -d 0.3 -H -p $a | grep -c '^Threads: *1 total'
top -b -n 1 -o PID -w 100 | gawk '$1 == "PID" { seen = 1; next } seen && $1 > last && last { print "wrong order" } seen { last = $1 } END { print seen }'
# The end of them all.
skill -TERM -p $b 2>&1; pkill -f "trap : USR1"; echo $?; wait $e; echo $?; pkill -f 'sleep 1001'; killall -e sleep; wait $a; echo $?; wait $d; echo $?
kill $f $g; wait; ps -o args= --ppid $$ | grep -c sleep
