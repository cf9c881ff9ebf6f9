# Processes, threads, signals, pipes, time.
import errno, os, select, signal, subprocess, sys, threading, time

print(subprocess.run(["echo", "from echo"], capture_output=True, text=True), flush=True)
print(subprocess.check_output("echo $((6 * 7)); exit 0", shell=True), subprocess.call("exit 9", shell=True), subprocess.run(["cat"], input=b"fed", stdout=subprocess.PIPE).stdout)
pipe = subprocess.Popen(["sort", "-n"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
print(pipe.communicate("10\n9\n100\n"), pipe.returncode)
try:
    subprocess.run(["sleep", "10"], timeout=0.2)
except subprocess.TimeoutExpired as error:
    print("timed out", error.timeout <= 0.2)
for words in (["/nonexistent/program"], ["/etc"], ["/etc/passwd"]):
    try:
        subprocess.run(words)
    except OSError as error:
        print(type(error).__name__, error.errno)
print(subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]).returncode, subprocess.run([sys.executable, "-c", "raise SystemExit(5)"]).returncode)
print(subprocess.run([sys.executable, "-S", "-c", "import os, sys; print(sorted(os.listdir('/proc/self/fd')), os.environ['ONLY'], os.getcwd(), sys.argv)", "arg"],
                     env={"ONLY": "this"}, cwd="/", capture_output=True, text=True, close_fds=True).stdout, end="")
children = [os.fork() for _ in range(0)]
for code in range(5):
    pid = os.fork()
    if pid == 0:
        os._exit(code * 10)
    children.append(pid)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children])
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.dup2(w, 1)
    os.execvp("bash", ["bash", "-c", "echo pid is $$ | cut -c1-6; kill -TERM $$"])
os.close(w)
with os.fdopen(r) as reader:
    print(reader.read(), os.WTERMSIG(os.waitpid(pid, 0)[1]))
print(os.posix_spawn("/bin/true", ["true"], os.environ) > 0, os.waitstatus_to_exitcode(os.wait()[1]), os.system("exit 4") >> 8)
with os.popen("echo popen") as output:
    print(output.read().strip())
try:
    os.wait()
except ChildProcessError as error:
    print(error)

seen = []
signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
os.kill(os.getpid(), signal.SIGUSR1)
signal.raise_signal(signal.SIGUSR1)
print(seen, signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL)
signal.signal(signal.SIGALRM, lambda number, frame: (_ for _ in ()).throw(TimeoutError("alarm")))
signal.setitimer(signal.ITIMER_REAL, 0.5)
try:
    time.sleep(5)
except TimeoutError as error:
    print(error)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigpending() == {signal.SIGUSR2}, signal.sigwait([signal.SIGUSR2]), signal.sigtimedwait([signal.SIGUSR2], 0.01))
r, w = os.pipe()
os.set_blocking(w, False)
old = signal.set_wakeup_fd(w)
signal.raise_signal(signal.SIGUSR1)
print(os.read(r, 1)[0] == signal.SIGUSR1)
signal.set_wakeup_fd(old)
print(signal.siginterrupt(signal.SIGUSR1, False), signal.strsignal(11))
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)
except KeyboardInterrupt:
    print("interrupted")

lock, total = threading.Lock(), [0]


def add():
    for _ in range(2000):
        with lock:
            total[0] += 1


threads = [threading.Thread(target=add) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(total, threading.active_count(), threading.current_thread().name)


class Queue:
    """The library's own is not in the minimal set."""

    def __init__(self, size):
        self.items, self.room, self.filled = [], threading.Semaphore(size), threading.Semaphore(0)

    def put(self, item):
        self.room.acquire()
        self.items.append(item)
        self.filled.release()

    def get(self):
        if not self.filled.acquire(timeout=20):
            raise TimeoutError
        item = self.items.pop(0)
        self.room.release()
        return item


results = Queue(4)


def produce(n):
    for i in range(50):
        results.put((n, i))
    results.put(None)


for n in range(3):
    threading.Thread(target=produce, args=(n,), daemon=True).start()
ended, got = 0, 0
while ended < 3:
    if results.get() is None:
        ended += 1
    else:
        got += 1
print(got)
event, barrier, order = threading.Event(), threading.Barrier(4, timeout=10), []
condition = threading.Condition()


def meet(n):
    barrier.wait()
    with condition:
        order.append(n)
        condition.notify_all()
    event.wait(10)


threads = [threading.Thread(target=meet, args=(n,)) for n in range(4)]
[thread.start() for thread in threads]
with condition:
    print(condition.wait_for(lambda: len(order) == 4, 10), sorted(order))
event.set()
[thread.join() for thread in threads]
local = threading.local()
local.value = 1
timer = threading.Timer(0.05, event.clear)
timer.start()
timer.join()
print(event.is_set(), threading.Semaphore(2).acquire(timeout=0.01), lock.acquire(timeout=0.01))
many = [threading.Thread(target=time.sleep, args=(0.05,)) for _ in range(60)]
[thread.start() for thread in many]
[thread.join() for thread in many]
pid = os.fork()
if pid == 0:
    thread = threading.Thread(target=lambda: os._exit(17))
    thread.start()
    time.sleep(10)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(time.monotonic() <= time.monotonic(), time.time() > 1.6e9, time.process_time() > 0, time.thread_time() > 0, time.get_clock_info("monotonic").monotonic)
print(subprocess.run("ulimit -n 20; exec python3 -c 'import os\nwhile True: os.open(\"/dev/null\", 0)' 2>&1 | tail -n 1", shell=True, executable="/bin/bash", capture_output=True).stdout)
print(os.times().elapsed > 0, os.getpriority(os.PRIO_PROCESS, 0), os.nice(3), os.sched_getaffinity(0) != set())
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    os.setsid()
    print(os.getpid() == os.getsid(0) == os.getpgrp(), flush=True)
    os.setgroups([5])
    os.setresgid(6, 6, 6)
    os.setresuid(7, 7, 7)
    try:
        os.setuid(0)
    except PermissionError as error:
        print(error.strerror, os.getresuid(), os.getresgid(), os.getgroups(), flush=True)
    os._exit(0)
os.wait()
master, slave = os.openpty()
os.write(master, b"typed\n")
print(os.read(slave, 100), os.ttyname(slave).startswith("/dev/pts/"), os.isatty(slave), os.get_terminal_size(slave))
print(open("/proc/self/status").readline().strip(), os.readlink("/proc/self/exe"), open("/proc/self/cmdline").read().split("\0")[0], len(open("/proc/self/maps").readlines()) > 10)
