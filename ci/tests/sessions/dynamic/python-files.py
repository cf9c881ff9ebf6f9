# Files, directories, mappings, descriptors, errors.
import errno, fcntl, filecmp, glob, os, pathlib, select, stat, struct

os.umask(0o022)
with open("text", "w") as out:
    print("line one", "zwei", "три", sep="\n", file=out)
with open("text", encoding="utf-8") as lines:
    print([line.rstrip() for line in lines], lines.tell() if lines.seekable() else None)
with open("text", "r+b", buffering=0) as raw:
    raw.seek(5)
    raw.write(b"ONE")
    print(raw.seek(0, os.SEEK_END), raw.truncate(12), raw.tell(), raw.read())
print(pathlib.Path("text").read_bytes(), os.path.getsize("text"))
with open("holes", "wb") as out:
    out.seek(1 << 20)
    out.write(b"end")
print(os.stat("holes").st_size, os.stat("holes").st_blocks < 100)
fd = os.open("holes", os.O_RDWR)
print(os.pread(fd, 5, (1 << 20) - 2), os.pwritev(fd, [b"ab", b"cd"], 10), os.preadv(fd, [bytearray(3), bytearray(2)], 9))
print(os.lseek(fd, 0, os.SEEK_DATA) >= 0, os.lseek(fd, 1 << 20, os.SEEK_HOLE) == (1 << 20) + 3)
os.posix_fallocate(fd, 0, (1 << 20) + 4096)
print(os.fstat(fd).st_size, os.ftruncate(fd, 100), os.fstat(fd).st_size, os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED))
os.close(fd)
os.makedirs("d/e/f")
for name in ("b", "a", "c"):
    pathlib.Path("d", name).write_text(name * 3)
os.symlink("a", "d/link")
os.link("d/a", "d/hard")
print(sorted(os.listdir("d")), os.readlink("d/link"), os.stat("d/a").st_nlink, os.path.samefile("d/a", "d/link"), os.path.realpath("d/link")[-4:])
print([(e.name, e.is_dir(), e.is_symlink(), e.stat(follow_symlinks=False).st_size) for e in sorted(os.scandir("d"), key=lambda e: e.name) if e.name != "e"])
print([(root, sorted(dirs), sorted(files)) for root, dirs, files in os.walk("d")])
folder = os.open("d", os.O_RDONLY | os.O_DIRECTORY)
os.rename("b", "bb", src_dir_fd=folder, dst_dir_fd=folder)
os.mkdir("x", dir_fd=folder)
os.chmod("bb", 0o640, dir_fd=folder)
os.utime("bb", ns=(10 ** 18 + 10 ** 9, 10 ** 18 + 2 * 10 ** 9), dir_fd=folder)
info = os.stat("bb", dir_fd=folder)
print(stat.filemode(info.st_mode), info.st_atime_ns, info.st_mtime_ns, os.access("bb", os.W_OK, dir_fd=folder), sorted(os.listdir(folder)))
os.fchdir(folder)
print(os.path.basename(os.getcwd()), sorted(glob.glob("*")), sorted(glob.glob("**/*", recursive=True)))
os.chdir("..")
os.replace("d/a", "d/c")
os.unlink("d/link")
os.rmdir("d/x")
os.removedirs("d/e/f")
print(sorted(os.listdir("d")), filecmp.cmp("d/c", "d/hard"))
for action in (lambda: os.rmdir("d"), lambda: os.mkdir("d"), lambda: os.listdir("text"), lambda: os.rename("d", "text"), lambda: os.unlink("d"), lambda: os.open("text/x", 0),
               lambda: os.readlink("text"), lambda: os.symlink("x", "d"), lambda: os.open("d", os.O_WRONLY), lambda: os.write(99, b"x"), lambda: os.lseek(0, 0, 9),
               lambda: os.truncate("d", 0), lambda: os.open("x" * 300, 0), lambda: os.kill(99999, 0), lambda: os.dup2(0, 10 ** 9), lambda: os.getxattr("text", "user.x"),
               lambda: os.mkfifo("text"), lambda: open("text", "x"), lambda: os.chdir("text"), lambda: os.statvfs("nothing"), lambda: os.sendfile(1, 99, 0, 1)):
    try:
        action()
        print("no error")
    except OSError as error:
        print(type(error).__name__, errno.errorcode[error.errno])
print(os.listxattr("text"), os.statvfs(".").f_namemax, os.pathconf(".", "PC_PATH_MAX"), os.sysconf("SC_PAGE_SIZE"), os.path.ismount("/proc"))
r, w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
try:
    os.read(r, 1)
except BlockingIOError as error:
    print(error)
total = 0
try:
    while True:
        total += os.write(w, b"x" * 4096)
except BlockingIOError:
    print("full at", total)
print(select.select([r], [w], [], 0)[:2] == ([r], []), len(os.read(r, 100000)), fcntl.fcntl(w, fcntl.F_GETFL) & os.O_NONBLOCK != 0, os.get_inheritable(r))
poller = select.poll()
poller.register(w, select.POLLOUT)
os.close(r)
print([event & select.POLLERR for fd, event in poller.poll(0)])
try:
    os.write(w, b"x")
except BrokenPipeError as error:
    print(error)
with open("text", "r+") as one:
    fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open("text", "r+") as two:
        try:
            fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            print("flock:", error)
    fcntl.lockf(one, fcntl.LOCK_EX, 10, 5)
    if os.fork() == 0:
        lock = fcntl.fcntl(one, fcntl.F_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        kind, whence, start, length, pid = struct.unpack("hhqqi4x", lock)
        print("locked", kind == fcntl.F_WRLCK, start, length, pid == os.getppid(), flush=True)
        os._exit(0)
    os.wait()
src, dst = os.open("holes", os.O_RDONLY), os.open("sent", os.O_WRONLY | os.O_CREAT)
print(os.sendfile(dst, src, 0, 1000), os.path.getsize("sent"))
try:
    print(os.copy_file_range(src, dst, 50, 0, 0))
except OSError as error:
    print("copy_file_range", errno.errorcode[error.errno])
