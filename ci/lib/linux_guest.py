# SPDX-License-Identifier: MIT
"""The oracle: a stock Debian kernel with a base system of busybox-static and the vm-agent, kept in build/linux-guest/.

The packages come through toolchain/fetch-deb, which uses the machine's own apt configuration. The archive of the base
system is made anew when the agent or this file changes.
"""
import fcntl
import glob
import os
import shutil
import stat
import subprocess

import newc

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT_SOURCE = os.path.join(ROOT, "src/userland/bin/vm-agent/vm-agent.c")
KERNEL_META_PACKAGE = "linux-image-cloud-amd64"

FOLDERS = ("bin", "dev", "etc", "home", "mnt", "proc", "run", "sbin", "sys", "usr", "usr/bin", "usr/sbin", "var")
PASSWD = "root::0:0:root:/root:/bin/sh\nraeen::1000:1000:raeen:/home/raeen:/bin/sh\n"
GROUP = "root:x:0:\ntty:x:5:\nraeen:x:1000:\n"
INIT = """#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=linux USER=root
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
for folder in /dev/shm /tmp /run; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
ln -sf /proc/self/fd /dev/fd
for pair in stdin:0 stdout:1 stderr:2; do ln -sf /proc/self/fd/${pair#*:} /dev/${pair%:*}; done
hostname linux
if [ -f /command ]; then
	/sbin/vm-agent /command /dev/ttyS1
else
	echo 'Linux guest: exit (or poweroff -f) ends it.'
	cd /root
	setsid sh -c 'exec sh -l </dev/ttyS0 >/dev/ttyS0 2>&1'
fi
sync
poweroff -f
"""


def prepare(build):
    """Returns (kernel, base archive), making them when they are missing. Safe against others doing the same."""
    guest = os.path.join(build, "linux-guest")
    os.makedirs(guest, exist_ok=True)
    with open(os.path.join(guest, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kernel = os.path.join(guest, "vmlinuz")
        busybox = os.path.join(guest, "busybox")
        base = os.path.join(guest, "base.cpio")
        if not os.path.exists(kernel):
            take(build, kernel_package(), "boot/vmlinuz-*", kernel)
        if not os.path.exists(busybox):
            take(build, "busybox-static", "bin/busybox", busybox)
        agent = find_agent(build, guest)
        newest = max(os.path.getmtime(path) for path in (agent, busybox, __file__))
        if not os.path.exists(base) or os.path.getmtime(base) < newest:
            write_base(base + ".new", busybox, agent)
            os.rename(base + ".new", base)
    return kernel, base


def module(build, name):
    """A module of that kernel by its path in the package, without an ending; kept in build/linux-guest/modules/. Safe against others doing the same."""
    kernel, _ = prepare(build)
    folder = os.path.join(build, "linux-guest/modules")
    target = os.path.join(folder, os.path.basename(name) + ".ko")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(build, "linux-guest/lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(kernel):
            take(build, kernel_package(), f"lib/modules/*/kernel/{name}.ko", target)
            os.utime(target)
    return target


def kernel_package():
    """The meta package names the real one as its first dependency."""
    text = subprocess.run(["apt-cache", "show", "--no-all-versions", KERNEL_META_PACKAGE], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    for line in text.splitlines():
        if line.startswith("Depends:"):
            return line.split()[1].rstrip(",")
    raise RuntimeError(f"{KERNEL_META_PACKAGE} names no kernel package")


def take(build, package, pattern, target):
    """Puts the one file of @package that matches @pattern at @target."""
    unpacked = os.path.join(build, "linux-guest", "unpacked")
    shutil.rmtree(unpacked, ignore_errors=True)
    unpack_deb(package, "-", unpacked)
    found = glob.glob(os.path.join(unpacked, pattern))
    if len(found) != 1:
        raise RuntimeError(f"{package}: {len(found)} files match {pattern}, not one")
    os.rename(found[0], target)
    shutil.rmtree(unpacked)


def unpack_deb(package, digest, target):
    """Fetches and unpacks a Debian package; @digest is the SHA-256 of the .deb or "-"."""
    tool = os.path.join(ROOT, "toolchain/fetch-deb")
    done = subprocess.run([tool, package, digest, target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{package} cannot be fetched:\n{done.stdout}")


def find_agent(build, guest):
    """The binary that the image has too; before the first build of the userland, one by the host's compiler."""
    staged = os.path.join(build, "userland/stage/sbin/vm-agent")
    if os.path.exists(staged):
        return staged
    agent = os.path.join(guest, "vm-agent")
    if not os.path.exists(agent) or os.path.getmtime(agent) < os.path.getmtime(AGENT_SOURCE):
        subprocess.run(["gcc", "-O2", "-static", "-o", agent + ".new", AGENT_SOURCE], check=True)
        os.rename(agent + ".new", agent)
    return agent


def write_base(path, busybox, agent):
    applets = subprocess.run([busybox, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    with open(path, "wb") as out:
        archive = newc.NewcWriter(out)
        archive.directory(".")
        for folder in FOLDERS:
            archive.directory(folder)
        archive.directory("root", 0o700)
        archive.directory("tmp", 0o1777)
        # The kernel opens /dev/console for init before anything is mounted.
        archive.device("dev/console", stat.S_IFCHR | 0o600, 5, 1)
        archive.file("bin/busybox", busybox)
        archive.file("sbin/vm-agent", agent)
        for applet in applets:
            if applet != "busybox":
                archive.symlink("bin/" + applet, "/bin/busybox")
        archive.data("etc/passwd", PASSWD.encode())
        archive.data("etc/group", GROUP.encode())
        archive.data("etc/hostname", b"linux\n")
        archive.directory("home/raeen", 0o755)
        archive.data("init", INIT.encode(), 0o755)
        archive.finish()
