# lsof, and psmisc's fuser and pstree: open files. Of sockets their type and names are not compared: RaeenOS has no /proc/net.
export COLUMNS=120
mkdir dir; echo text > dir/file; echo gone > gone; mkfifo fifo
exec 3< dir/file 4> dir/other 5<> dir/both 6< gone 7< dir 8> /dev/zero 9<> fifo; rm gone; read -n 2 -u 3 x; echo 123 >&4
# Programs that look on from a pipeline would be seen themselves: what they say goes to a file first. Without DEVICE and NODE, which have nothing in common.
see() { "$@" > /var/seen 2>&1; echo "$1 $?"; sed -i "/proc.net.unix/d" /var/seen; }
rows() { gawk 'NR == 1 { print $1; next } { name = $9; for (i = 10; i <= NF; i++) name = name " " $i; print $1, $3, $4, $5, $9 == "" ? $8 : name }' /var/seen | sed 's/ld-linux[^ ]*/LD/'; }
fields() { grep -v ^p /var/seen; }
words() { sed -E "s/\b$$\b/SHELL/g; s/\b${p:-none}\b/PERL/g; s/ +/ /g" /var/seen; }
see lsof -p $$ -a -d cwd,rtd,txt; rows; see lsof -p $$ -a -d 3-12; rows; see lsof -p $$ -a -d mem; rows | sort
# Positions, sizes (not the folder's), modes, types, what has no name left.
for o in '3-9 -o -F fo' '3-6,8,9 -s -F fs' '3-9 -F fatn' '3-9 -F Lu'; do see lsof -p $$ -a -d $o; fields; done; see lsof +L1 -p $$ -a -d 6 -F ftkn; fields
# By name, program, folder, user; what there is none of.
see lsof -t dir/file; words; see lsof dir/nothing; words; see lsof -a -c bash -d 5 -F n; fields; see lsof -a +D dir -p $$ -F fn; fields; see lsof -a -u 0 -p $$ -d 4 -F Lu; fields
for o in "-a -u 1 -p $$" '-p 99999' '-c nothing' -i '-t /tmp'; do see lsof $o; cat /var/seen; done; see lsof -r 1c1 -p $$ -a -d 3 -F n; fields
# What has no place in a file system; two numbers of one eventfd are one.
perl -e 'use Socket; my $e = syscall 290, 0, 0; die if $e < 0 || syscall(291, 0) < 0; syscall 32, $e; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die; pipe my $r, my $w; $| = 1; print "ready\n"; sleep 1000' > ready & p=$!
until grep -q ready ready; do sleep 0.1; done
see lsof -p $p -a -d 0-2 -F fatn; fields; see lsof -p $p; gawk '$4 ~ /^[0-9]/ { print $4, $5 == "unix" ? "sock" : $5 }' /var/seen
see lsof -p $p -a -d 10-12 -F tn; fields | sed -E 's/(eventfd:)[0-9]+/\1N/'; gawk '/eventfd:/ { seen[$0]++ } END { print length(seen) }' /var/seen
readlink /proc/$p/fd/1[012]; for i in 10 11; do stat -L -c '%a %F' /proc/$p/fd/$i; see cat /proc/$p/fd/$i; words; done; stat -L -c %F /proc/$p/fd/13
# fuser, pstree, killall.
see fuser dir/file; words; see fuser -v dir/other; words; see fuser -s dir/nothing; see fuser .; wc -w /var/seen
see pstree -A $$; words; see pstree -A -p $p; words; pstree -A -a $p; fuser -k -TERM ready > /dev/null 2>&1; wait $p; echo $?; killall -q nothing; echo $?
