# SPDX-License-Identifier: MIT
"""The lean Linux: Debian's linux-source-6.1 as tinyconfig with lean.config, kept in build/cache/linux-lean/.

`python3 ci/bench/lean.py` builds it (some minutes of one CPU, 1.5 GB of disk while it does) and prints where the kernel is.
"""
import fcntl
import filecmp
import glob
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIG = os.path.join(ROOT, "ci/bench/lean.config")
PACKAGE = "linux-source-6.1"


def build():
    """Returns the kernel; builds it when it is missing or lean.config has changed. Safe against others doing the same."""
    folder = os.path.join(ROOT, "build/cache/linux-lean")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build_locked(folder)


def build_locked(folder):
    kernel = os.path.join(folder, "bzImage")
    made_by = os.path.join(folder, "lean.config")
    if os.path.exists(kernel) and os.path.exists(made_by) and filecmp.cmp(made_by, CONFIG, shallow=False):
        return kernel
    run([os.path.join(ROOT, "toolchain/deps"), "lean Linux", "flex", "bison", "bc", "libelf-dev"])
    source = os.path.join(folder, "source")
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(source)
    unpack(folder, source)
    print("lean: building the kernel", flush=True)
    make = ["nice", "-n", "19", "make", "-s", "-C", source, "KBUILD_BUILD_USER=raeen", "KBUILD_BUILD_HOST=raeen",
            "KBUILD_BUILD_TIMESTAMP=2026-01-01"]
    with open(os.path.join(folder, "log"), "wb") as log:
        run([*make, "tinyconfig"], log)
        run([os.path.join(source, "scripts/kconfig/merge_config.sh"), "-m", ".config", CONFIG], log, source)
        run([*make, "olddefconfig"], log)
        check_config(os.path.join(source, ".config"))
        run([*make, f"-j{os.cpu_count()}", "bzImage"], log)
    shutil.copy(os.path.join(source, ".config"), os.path.join(folder, "config"))
    shutil.copy(os.path.join(source, "arch/x86/boot/bzImage"), kernel + ".new")
    os.rename(kernel + ".new", kernel)
    shutil.copy(CONFIG, made_by)
    shutil.rmtree(source)
    return kernel


def unpack(folder, source):
    package = os.path.join(folder, "package")
    shutil.rmtree(package, ignore_errors=True)
    run([os.path.join(ROOT, "toolchain/fetch-deb"), PACKAGE, "-", package])
    archive, = glob.glob(os.path.join(package, "usr/src/linux-source-*.tar.xz"))
    run(["tar", "-xJf", archive, "-C", source, "--strip-components=1"])
    shutil.rmtree(package)


def check_config(path):
    """Kconfig drops what it cannot have without a word."""
    with open(path) as lines:
        have = set(lines.read().splitlines())
    with open(CONFIG) as lines:
        wanted = [line for line in lines.read().splitlines() if line.startswith("CONFIG_")]
    missing = [line for line in wanted if line not in have]
    if missing:
        raise RuntimeError("lean.config: the kernel's configuration did not take " + " ".join(missing))


def run(line, log=None, folder=None):
    done = subprocess.run(line, stdout=log, stderr=subprocess.STDOUT if log else None, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"{line[0]} failed" + (f"; see {log.name}" if log else ""))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    print(build())
