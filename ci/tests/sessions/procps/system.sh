# util-linux, sysctl, time: what shows CPUs, mounts, locks, IPC, limits and settings, and what changes them. Figures that no two machines share are left out.
export PATH=$PATH:/sbin:/usr/sbin COLUMNS=160
numbers() { sed -E "s/\b$p\b/P/g; s/pid [0-9]+/pid N/; s/0x[0-9a-f]+/N/; s/ +/ /g; s/ $//"; }
try() { "$@" 2>&1; echo "$?"; }
sleep 1001 & p=$!
# CPUs, and who may have how much of them.
lscpu | grep -E '^(Architecture|CPU op-mode|Byte|CPU|On-line|Vendor|Model|Thread|Core|Socket|Stepping|Virtualization)' | numbers; lscpu -p=CPU,CORE,SOCKET,ONLINE | grep -v '#'
nproc --all; taskset -p $p | numbers; taskset -cp 0 $p | numbers; taskset -p 8000 $p > /dev/null 2>&1; echo $?; chrt -p $p | numbers; chrt -m | grep -v DEADLINE; chrt -f 10 chrt -p 0 | numbers
chrt -i 0 chrt -p 0 | numbers; ionice -p $p; ionice -c 3 ionice; renice -n 5 -p $p | numbers; choom -n 100 -p $p | numbers; choom -p $p | tail -n 1 | numbers
# Limits.
prlimit -p $p --noheadings -o RESOURCE,DESCRIPTION,UNITS | numbers; prlimit --nofile=10:20 -p $p; prlimit --nofile --noheadings -o SOFT,HARD -p $p; prlimit -n50 -- bash -c 'ulimit -n'
grep -E '^Limit|open files|priority' /proc/$p/limits | sed 's/$/|/'
# Mounts.
mkdir dir there; mount -t tmpfs -o nosuid,nodev,noexec,noatime,size=1M 'my source' there; mount | grep session | sed 's/,size.*)/)/'; findmnt -n -o TARGET,SOURCE,FSTYPE,FSROOT there; findmnt -n -o VFS-OPTIONS there
df -T there | sed 1d | numbers; df --output=size there | tail -n 1; try mountpoint there; try mountpoint dir; try findmnt nothing; mount -o remount,ro there; findmnt -n -o VFS-OPTIONS there; try touch there/x
try umount there; try umount there; mount --bind dir there; findmnt -n -o FSROOT there; umount there; stat -f -c '%T %l %S' /proc /sys /dev/shm
for c in lsblk blkid losetup 'losetup -f' 'swapon --show' zramctl; do try $c; done
# Locks.
flock held sleep 1002 & l=$!; until [ "$(lslocks -n -o TYPE -p $l)" ]; do sleep 0.1; done; lslocks -n -o COMMAND,TYPE,MODE,M,START,END,PATH -p $l | numbers; try flock -n held true; kill $l; wait $l 2> /dev/null
# System V.
ipcs -l; (ipcmk -M 1000; ipcmk -Q; ipcmk -S 3) | sed 's/[0-9]*$/N/'; for o in m q s; do ipcs -$o | gawk '/root/ { print $3, $4, $5, $6 }'; done; lsipc -g | numbers; ipcs -u | grep -v resident; ipcrm -a; ipcs | grep root
# Settings: each its own value.
names="kernel.hostname kernel.domainname vm.dirty_ratio vm.dirty_background_bytes vm.dirty_expire_centisecs kernel.sched_rt_runtime_us fs.inotify.max_user_watches fs.inotify.max_queued_events"
sysctl $names > before; sysctl -n net.core.somaxconn
sysctl kernel.hostname=given kernel.domainname=domain vm.dirty_ratio=25 vm.dirty_background_bytes=1048576 vm.dirty_expire_centisecs=700 kernel.sched_rt_runtime_us=900000 fs.inotify.max_user_watches=999 fs.inotify.max_queued_events=777
sysctl $names vm.dirty_bytes vm.dirty_background_ratio kernel.sched_rt_period_us; uname -n; gawk '{ print }' /proc/sys/kernel/{host,domain}name; echo -n other > /proc/sys/kernel/hostname; uname -n
try sysctl vm.dirty_ratio=101; sysctl -n vm.dirty_ratio; sysctl -q vm.dirty_background_ratio=10; sysctl -p before > /dev/null 2>&1; [ "$(sysctl $names)" = "$(cat before)" ] && echo as before; sysctl -n vm.dirty_background_bytes
# Where links lead, also when their text leads elsewhere by now, or nowhere.
for f in self/exe self/cwd self/root self/fd/0 mounts; do [ -e /proc/$f ] && readlink /proc/$f; done; readlink /proc/self/status; [ /proc/$$/exe -ef /bin/bash ] && echo bash
cp /bin/sleep dir/slow; dir/slow 1003 & s=$!; until [ "$(readlink /proc/$s/exe)" = /var/session/dir/slow ]; do sleep 0.1; done; mount -t tmpfs over dir; readlink /proc/$s/exe; stat -c %F dir/slow 2>&1
stat -L -c %F /proc/$s/exe; try /proc/$s/exe 0; umount dir; mv dir/slow dir/quick; readlink /proc/$s/exe; kill $s; wait $s 2> /dev/null
perl -e 'my $n = "copy"; my $f = syscall 319, $n, 0; $^F = 99; open my $m, ">&=", $f; open my $s, "<", "/bin/sleep"; select $m; $| = 1; print <$s>; exec "/proc/$$/fd/$f", 1004' & m=$!
until readlink /proc/$m/exe | grep -q memfd; do sleep 0.1; done; readlink /proc/$m/exe; stat -L -c %F /proc/$m/exe; kill $m; wait $m 2> /dev/null
# What is resident, told in two places; who shares it.
gawk '/^(RssFile|RssShmem|VmRSS)/ { kb[$1] = $2 } END { getline < FILE; print (kb["VmRSS:"] == $2 * 4), (kb["RssFile:"] + kb["RssShmem:"] == $3 * 4), ($3 > 30) }' FILE=/proc/$p/statm /proc/$p/status
top -b -n 1 -p $p | gawk -v p=$p '$1 == p { print ($7 > 100), ($7 < $6) }'
# Sockets there are none of; modules.
try fuser -n tcp 22; try fuser -n udp 53; for f in tcp udp; do gawk '{ $1 = $1; print }' /proc/net/$f; done; ls /proc/self/net/unix; wc -l < /proc/modules
# Others.
script -qc tty /dev/null | tr -d '\r' | sed 's/[0-9]/N/'; setsid -w bash -c 'ps -o pid=,sid= -p $$' | gawk '{ print ($1 == $2) }'; setpriv -d; namei -l dir/quick; getopt -o ab: -l long -- -a -b c --long x; fallocate -l 4096 room; stat -c %s room
command time -f '%x %I %O %r %s %k %W %Z' bash -c 'exit 3'; command time -f %M true 2>&1 | gawk '{ print ($1 > 400) }'; dmesg > /dev/null; echo $?; lsns > /dev/null; echo $?; for c in who users logname tty wdctl; do try $c; done
kill $p
