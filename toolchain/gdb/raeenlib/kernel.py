# SPDX-License-Identifier: MIT
"""Reading the kernel's data structures: lists, trees, threads, processes, paths. Everything is read only."""
import struct

import gdb

FRAME_FLAGS = ["reserved", "slab", "dirty", "cache", "busy", "anonymous", "large", "not RAM", "write-back"]     # enum frame_flags, bit by bit
STATES = ["new", "ready", "running", "sleeping", "dead"]                                         # enum thread_run_state
CLASSES = ["realtime", "high", "normal", "low", "idle"]                                          # enum sched_class


def value(expression):
    return gdb.parse_and_eval(expression)


def static(file, name):
    """A static variable: its file must be named, because others may have one of that name too."""
    return value(f"'{file}'::{name}")


def offset_of(kind, path):
    at, kind = 0, gdb.lookup_type(kind)
    for name in path.split("."):
        field = kind[name]
        at += field.bitpos // 8
        kind = field.type
    return at


def container(address, kind, path):
    return gdb.Value(int(address) - offset_of(kind, path)).cast(gdb.lookup_type(kind).pointer())


def each_in_list(head, kind, path):
    """The structures whose link at @path is in the list @head (a value, not a pointer)."""
    start, link = int(head.address), head["next"]
    for _ in range(1 << 20):
        if int(link) in (0, start):
            return
        yield container(link, kind, path)
        link = link["next"]


def each_in_tree(root, kind, path):
    """In order. The tree may be changing under a running CPU, so the depth is bounded."""
    stack, node = [], root
    while len(stack) < 128 and (stack or int(node)):
        while int(node) and len(stack) < 128:
            stack.append(node)
            node = node["left"]
        node = stack.pop()
        yield container(node, kind, path)
        node = node["right"]


def read_bytes(address, length):
    return bytes(gdb.selected_inferior().read_memory(int(address), length))


def text(pointer):
    try:
        return pointer.string(errors="replace") if int(pointer.address if pointer.type.code == gdb.TYPE_CODE_ARRAY else pointer) else ""
    except gdb.error:
        return "?"


def frame_records():
    """(refs, flags, private) of each page of memory."""
    count = int(value("frame_record_count"))
    return struct.iter_unpack("<IIQ", read_bytes(value("frame_records"), count * 16))


def each_object(cache):
    """The cells of every slab of a cache, in use or free."""
    cache = cache.dereference()
    first, stride, lead, count = (int(cache[name]) for name in ("first", "stride", "lead", "per_slab"))
    slab_flag = 1 << FRAME_FLAGS.index("slab")
    slabs = {private for _, flags, private in frame_records() if flags == slab_flag}
    for slab in sorted(slabs):
        if int(container(slab, "struct slab", "cache")["cache"]) == int(cache.address):
            for index in range(count):
                yield slab + first + index * stride + lead


def each_thread():
    """All threads. Kernel threads are on no list, so the heap is asked; freed ones have no reference left."""
    kind = gdb.lookup_type("struct thread").pointer()
    for address in each_object(static("sched/thread.c", "thread_cache")):
        thread = gdb.Value(address).cast(kind)
        if 0 < int(thread["refs"]["count"]) < 100000 and int(thread["run_state"]) < len(STATES) and int(thread["stack_base"]) >> 47 == 0x1ffff:
            yield thread


def find_thread(wanted):
    """By tid, by name (kernel threads have no tid), or by the address that raeen-threads prints."""
    found = []
    number = int(wanted, 0) if wanted[:1].isdigit() else None
    for thread in each_thread():
        if number is not None and (int(thread) == number or (number and int(thread["tid"]) == number)):
            return thread
        if number is None and text(thread["name"]) == wanted:
            found.append(thread)
    if len(found) == 1:
        return found[0]
    raise gdb.GdbError(f"{wanted}: {'several threads have' if found else 'no thread has'} that name or number; see raeen-threads")


def each_process():
    """By pid: the table is an array of chunks, made when first used."""
    chunks = static("process/pid_table.c", "chunks")
    slot = gdb.lookup_type("struct pid_slot")
    for index in range(chunks.type.range()[1] + 1):
        if not int(chunks[index]):
            continue
        for place in range(4096 // slot.sizeof):
            process = chunks[index][place]["process"]
            if int(process):
                yield process.dereference()


def find_process(argument):
    try:
        pid = int(argument, 0)
    except ValueError:
        raise gdb.GdbError(f"{argument or 'nothing'}: expected a pid; see raeen-processes") from None
    for process in each_process():
        if int(process["pid"]) == pid:
            return process
    raise gdb.GdbError(f"{pid}: no such process; see raeen-processes")


def each_cpu():
    """The CPUs that run."""
    table = value("cpus")
    for index in range(table.type.range()[1] + 1):
        if int(table[index]):
            yield table[index].dereference()


def cpu_currents():
    """Addresses of the threads that CPUs run now."""
    return {int(cpu["current"]) for cpu in each_cpu()}


def memory_counters():
    """(name, pages) of each of enum memory_counter: every CPU counts for itself."""
    for field in gdb.lookup_type("enum memory_counter").fields():
        if field.name != "MEMORY_COUNTERS":
            yield field.name.removeprefix("MEMORY_").lower().replace("_", " "), sum(int(cpu["memory_counts"][field.enumval]) for cpu in each_cpu())


def cycles_to_ms(cycles):
    return int(cycles) * 1000 // max(int(static("arch/x86_64/clock_hw.c", "tsc_hz")), 1)


def dentry_path(dentry, mount=None):
    """The path inside its file system, or from the root if the mount is known."""
    parts = []
    for _ in range(256):
        if not int(dentry):
            break
        if int(dentry["parent"]) == int(dentry):
            if mount is None or not int(mount) or not int(mount["mountpoint"]):
                break
            dentry, mount = mount["mountpoint"], mount["parent"]
            continue
        parts.append(text(dentry["name"])[:int(dentry["name_len"])])     # a slash ends it
        dentry = dentry["parent"]
    return "/" + "/".join(reversed(parts))


def object_name(obj):
    """What a mapped object is: a file's path, or the name of its operations."""
    if not int(obj):
        return ""
    if int(obj["ops"]) in [int(static("vfs/vnode.c", name).address) for name in ("vnode_object_ops", "mapped_object_ops")]:
        vnode = container(obj, "struct vnode", "object")
        for dentry in each_in_list(vnode["dentries"], "struct dentry", "vnode_link"):
            return f"{text(vnode['fs']['type'])}:{dentry_path(dentry)}"
        return f"{text(vnode['fs']['type'])}: inode {int(vnode['node']['id'])}, no name"
    return symbol_name(obj["ops"])


def file_name(file):
    if int(file["path"]["dentry"]):
        return dentry_path(file["path"]["dentry"], file["path"]["mount"])
    return symbol_name(file["ops"])


def symbol_name(address):
    found = gdb.execute(f"info symbol {int(address):#x}", to_string=True)
    return "?" if found.startswith("No symbol") else found.split(" in section")[0]
