# SPDX-License-Identifier: MIT
"""The lean Linux: Debian's linux-source-6.1 as tinyconfig with lean.config, kept in build/cache/linux-lean/; and the same with lean-ext2.config besides.

`python3 ci/bench/lean.py` builds the first (some minutes of one CPU, 1.5 GB of disk while it does) and prints where the kernel is.
"""
import fcntl
import glob
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEAN, WITH_EXT2 = "lean", "lean-ext2"
# What each is made with.
CONFIGS = {LEAN: ("lean.config",), WITH_EXT2: ("lean.config", "lean-ext2.config")}
PACKAGE = "linux-source-6.1"


def build(name=LEAN):
    """Returns the kernel; builds it when it is missing or its configuration has changed. Safe against others doing the same."""
    folder = os.path.join(ROOT, "build/cache/linux-" + name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build_locked(folder, configuration(name))


def configuration(name):
    text = ""
    for part in CONFIGS[name]:
        with open(os.path.join(ROOT, "ci/bench", part)) as source:
            text += source.read()
    return text


def read(path):
    if not os.path.exists(path):
        return None
    with open(path) as source:
        return source.read()


def build_locked(folder, wanted):
    kernel = os.path.join(folder, "bzImage")
    made_by = os.path.join(folder, "lean.config")
    if os.path.exists(kernel) and read(made_by) == wanted:
        return kernel
    run([os.path.join(ROOT, "toolchain/deps"), "lean Linux", "flex", "bison", "bc", "libelf-dev"])
    source = os.path.join(folder, "source")
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(source)
    unpack(folder, source)
    print("lean: building the kernel", flush=True)
    config = os.path.join(folder, "wanted.config")
    with open(config, "w") as out:
        out.write(wanted)
    make = ["nice", "-n", "19", "make", "-s", "-C", source, "KBUILD_BUILD_USER=raeen", "KBUILD_BUILD_HOST=raeen",
            "KBUILD_BUILD_TIMESTAMP=2026-01-01"]
    with open(os.path.join(folder, "log"), "wb") as log:
        run([*make, "tinyconfig"], log)
        run([os.path.join(source, "scripts/kconfig/merge_config.sh"), "-m", ".config", config], log, source)
        run([*make, "olddefconfig"], log)
        check_config(os.path.join(source, ".config"), wanted)
        run([*make, f"-j{os.cpu_count()}", "bzImage"], log)
    shutil.copy(os.path.join(source, ".config"), os.path.join(folder, "config"))
    shutil.copy(os.path.join(source, "arch/x86/boot/bzImage"), kernel + ".new")
    os.rename(kernel + ".new", kernel)
    os.rename(config, made_by)
    shutil.rmtree(source)
    return kernel


def unpack(folder, source):
    package = os.path.join(folder, "package")
    shutil.rmtree(package, ignore_errors=True)
    run([os.path.join(ROOT, "toolchain/fetch-deb"), PACKAGE, "-", package])
    archive, = glob.glob(os.path.join(package, "usr/src/linux-source-*.tar.xz"))
    run(["tar", "-xJf", archive, "-C", source, "--strip-components=1"])
    shutil.rmtree(package)


def check_config(path, wanted):
    """Kconfig drops what it cannot have without a word."""
    have = set(read(path).splitlines())
    missing = [line for line in wanted.splitlines() if line.startswith("CONFIG_") and line not in have]
    if missing:
        raise RuntimeError("lean.config: the kernel's configuration did not take " + " ".join(missing))


def run(line, log=None, folder=None):
    done = subprocess.run(line, stdout=log, stderr=subprocess.STDOUT if log else None, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"{line[0]} failed" + (f"; see {log.name}" if log else ""))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    print(build())
