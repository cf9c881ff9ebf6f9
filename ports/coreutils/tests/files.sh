# SPDX-License-Identifier: MIT
# What GNU's tools ask of the kernel about files, folders, links, owners, times, devices and processes.
. "$TESTS/../check.sh"
export PATH="/usr/libexec/coreutils:$PATH" LC_ALL=C
umask 022

mkdir -p a/b/c
echo text > a/file
ln -s file a/link
ln a/file a/hard
mkfifo -m 600 a/pipe
mknod a/null c 1 3
touch -d '2020-02-29 12:34:56.123456789 UTC' a/file
chown 1000:100 a/file
is stat "$(stat -c '%a %h %u:%g %s %F %Y %y' a/file)" "644 2 1000:100 5 regular file 1582979696 2020-02-29 12:34:56.123456789 +0000"
is kinds "$(stat -c '%F' a a/link a/pipe a/null | tr '\n' ',')" "directory,symbolic link,fifo,character special file,"
is ls "$(LC_ALL=C ls -lnR --time-style=+%s a | grep file)" "-rw-r--r-- 2 1000 100    5 1582979696 file
lrwxrwxrwx 1    0   0    4 $(stat -c %Y a/link) link -> file"
is device "$(stat -c '%t %T' a/null)" "1 3"
is copied "$(cp -a a copy && stat -c '%a %u:%g %y' copy/file && readlink copy/link && stat -c '%h %F' copy/hard copy/pipe | tr '\n' ',')" "644 1000:100 2020-02-29 12:34:56.123456789 +0000
file
2 regular file,1 fifo,"
is "hard links kept" "$([ copy/file -ef copy/hard ] && echo same)" same
is newer "$(echo new > n; cp -u n a/file; cat a/hard; touch -d 1999-01-01 n; echo older > n2; cp -u --preserve n copy/file; cat copy/file)" "new
text"
truncate -s 10M hole
printf x | dd of=hole bs=1 seek=5000000 conv=notrunc status=none
is sparse "$(cp --sparse=always hole hole2 && cmp hole hole2 && [ "$(du -k hole2 | cut -f1)" -lt 100 ] && du --apparent-size -k hole2)" "10240	hole2"
is backup "$(echo 1 > v; echo 2 > w; cp --backup=numbered w v; cp --backup=numbered w v; ls v*)" "v
v.~1~
v.~2~"
is moved "$(mv -T copy moved && ls moved | tr "\n" " ")" "b file hard link null pipe "
is "other file system" "$(mkdir -p /dev/shm/cu && mv a/b /dev/shm/cu/ && ls /dev/shm/cu; rm -r /dev/shm/cu)" b
is install "$(install -D -m 4711 -o 3 -g 4 v deep/er/prog && stat -c '%a %u %g' deep/er/prog)" "4711 3 4"
is real "$(ln -s ../a loop && mkdir -p x && ln -sr a/file x/rel && readlink x/rel && realpath --relative-to=. x/rel; readlink -e nothing; echo $?)" "../a/file
a/file
1"
is symlinks "$(ln -s two one; ln -s one two; cat one > /dev/null 2>&1; echo $?)" 1
is chmod "$(chmod -R u=rwX,go=rX a; chmod -v u+s,o-r a/file; stat -c %A a/file)" "mode of 'a/file' changed from 0644 (rw-r--r--) to 4640 (rwSr-----)
-rwSr-----"
is removed "$(mkdir -p r/s/t && touch r/s/f && rm -rv r | sort)" "removed 'r/s/f'
removed directory 'r'
removed directory 'r/s'
removed directory 'r/s/t'"
is "not a folder" "$(rmdir v 2>&1; rm x 2>&1; mkdir v 2>&1)" "rmdir: failed to remove 'v': Not a directory
rm: cannot remove 'x': Is a directory
mkdir: cannot create directory 'v': File exists"
is root "$(rm -r / 2>&1 | head -n 1)" "rm: it is dangerous to operate recursively on '/'"
is du "$(mkdir d; head -c 100000 /dev/zero > d/x; ln d/x d/y; du -b d/x d/y; du -l -b d/x d/y | wc -l)" "100000	d/x
2"
is df "$(df --output=target . | tail -n 1 | grep -c /) $(df -P / | wc -l)" "1 2"
is full "$(env echo x 2>&1 > /dev/full | cut -c 1-17; cat v 2>&1 > /dev/full | head -n 1)" "echo: write error
cat: write error: No space left on device"
is sync "$(sync v && sync -d v && sync -f . && echo synced)" synced
is shred "$(echo secret > s; shred -u s; ls s 2> /dev/null; echo $?)" 2

# Processes.
is timeout "$( (timeout 0.3 sleep 5; echo $?; timeout -s KILL 0.3 sleep 5; echo $?; timeout 5 sh -c 'exit 9'; echo $?) 2> /dev/null)" "124
137
9"
is nice "$(nice -n 5 nice; nohup nice < /dev/null 2> /dev/null)" "$(($(nice) + 5))
$(nice)"
is env "$(env -i A=1 B='x y' env | sort; env -u HOME -C /usr pwd; env nosuch 2>&1; echo $?)" "A=1
B=x y
/usr
env: 'nosuch': No such file or directory
127"
is "signals blocked" "$(env --block-signal=USR1 sh -c 'kill -USR1 $$; echo alive')" alive
is chroot "$(chroot --userspec=1:2 / /usr/libexec/coreutils/id -u)" 1
is id "$(id -u) $(id -G | grep -c 0) $(whoami)" "0 1 root"
is nproc "$(nproc | grep -c '[1-9]') $(OMP_NUM_THREADS=3 nproc)" "1 3"
is follow "$(echo one > log; (sleep 2; echo two >> log; sleep 2; mv log log.1; echo three > log) & timeout 8 tail -F --max-unchanged-stats=1 -n 1 log 2> /dev/null; wait)" "one
two
three"
is "follows a process" "$(sleep 0.5 & timeout 20 tail -f --pid=$! -s 0.2 log 2> /dev/null; echo $?; wait)" "three
0"
is tee "$(echo both | tee -a t1 t2; cat t1 t2)" "both
both
both"
is yes "$(yes | head -n 100000 | wc -l) $(seq 1 1000000 | tail -n 1)" "100000 1000000"
is split "$(seq 1 1000 | split -l 300 --filter='wc -l' | tr '\n' ' '; seq 1 100 | split -n r/3 - p; cat paa | head -n 2 | tail -n 1)" "300 300 300 100 4"
is dd "$(dd if=/dev/urandom of=rnd bs=64K count=20 iflag=fullblock status=none; dd if=rnd bs=100K skip=3 count=2 conv=fsync of=part status=none; tail -c +307201 rnd | head -c 204800 | cmp - part && stat -c %s part)" 204800
finish files
