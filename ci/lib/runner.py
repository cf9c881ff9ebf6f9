# SPDX-License-Identifier: MIT
"""Runs one command in a guest: starts QEMU, follows the console and the agent's channel, decides the exit status.

The agent (src/userland/bin/vm-agent) sends frames on COM2: type (1 byte), length (4, little endian), payload.
's' started, 'o' standard output, 'e' standard error, 'x' exit status (4 bytes). COM1 is the console log.
"""
import ctypes
import os
import re
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

EXIT_TIMEOUT = 124
EXIT_BOOT = 125
FRAME_HEAD = struct.Struct("<cI")
FRAME_MAX = 1 << 20
START_FRAME = FRAME_HEAD.pack(b"s", 0)
# The kernel's words when there is no console yet, and grub.cfg's when nothing could be started; a panic's first (Linux's too), and the last when it stays on.
NO_BOOT = rb"|RaeenOS cannot boot: |RaeenOS was not started"
FATAL = re.compile(rb"^(\[[^]\n]*\] *)?(kernel panic: |Kernel panic - not syncing)" + NO_BOOT, re.MULTILINE)
FATAL_END = re.compile(rb"^halted\r?$" + NO_BOOT, re.MULTILINE)
# Seconds that a guest gets after its last word, and without any.
FATAL_GRACE, FATAL_SILENCE = 3.0, 30.0
CONSOLE_KEPT = 8 << 20
PR_SET_PDEATHSIG = 1


class ChannelError(Exception):
    """The agent's channel carried something that is no frame."""


class FrameReader:
    """Cuts the channel's bytes into frames; noise of firmware before the start frame is skipped."""

    def __init__(self):
        self.buffer = bytearray()
        self.started = False

    def feed(self, data):
        self.buffer += data
        if not self.started:
            at = self.buffer.find(START_FRAME)
            if at < 0:
                del self.buffer[:-len(START_FRAME)]
                return
            del self.buffer[:at + len(START_FRAME)]
            self.started = True
        while len(self.buffer) >= FRAME_HEAD.size:
            kind, length = FRAME_HEAD.unpack_from(self.buffer)
            if kind not in b"oex" or length > FRAME_MAX:
                raise ChannelError(f"bad frame on the agent's channel: {bytes(self.buffer[:32])!r}")
            end = FRAME_HEAD.size + length
            if len(self.buffer) < end:
                return
            payload = bytes(self.buffer[FRAME_HEAD.size:end])
            del self.buffer[:end]
            yield kind, payload


class Qemu:
    """A QEMU process that cannot outlive us, not even when we are killed."""

    def __init__(self, line, handover, own_session=True):
        parent = os.getpid()
        libc = ctypes.CDLL(None)

        def in_child():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        self.messages = tempfile.TemporaryFile() if own_session else None
        self.process = subprocess.Popen(
            line, pass_fds=handover.descriptors, start_new_session=own_session, preexec_fn=in_child,
            stdin=subprocess.DEVNULL if own_session else None, stdout=self.messages,
            stderr=subprocess.STDOUT if own_session else None)

    def said(self):
        """What QEMU itself wrote; kept apart, so that it never mixes with the guest's output."""
        self.messages.seek(0)
        return self.messages.read()

    def ended(self):
        return self.process.poll() is not None

    def wait(self):
        return self.process.wait()

    def stop(self):
        """SIGTERM lets QEMU write back what a guest's disk was given; a QEMU that does not listen is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


class Run:
    """One command in one guest. run() returns the exit status for ci/vm."""

    def __init__(self, timeout, console_path=None, screenshot=None):
        self.deadline = time.monotonic() + timeout
        self.timeout = timeout
        self.console = bytearray()
        self.console_file = open(console_path, "wb", 0) if console_path else None
        self.screenshot = screenshot
        self.frames = FrameReader()
        self.status = None
        self.fatal_deadline = None

    def run(self, line, handover):
        console, console_far = socket.socketpair()
        agent, agent_far = socket.socketpair()
        for name, far in (("console", console_far), ("agent", agent_far)):
            line = line + ["-chardev", f"socket,id={name},fd={handover.inherit(far.detach())}",
                           "-serial", f"chardev:{name}"]
        monitor = None
        if self.screenshot:
            monitor, monitor_far = socket.socketpair()
            line = line + ["-chardev", f"socket,id=monitor,fd={handover.inherit(monitor_far.detach())}",
                           "-mon", "chardev=monitor,mode=control",
                           "-no-shutdown"]  # the screen must outlive the guest, which switches itself off
        line += ["-display", "none", "-no-reboot"]
        qemu = Qemu(line, handover)
        try:
            handover.close()
            self.follow(qemu, console, agent)
            if monitor and not qemu.ended():
                import qmp
                qmp.Qmp(monitor).screendump(os.path.abspath(self.screenshot))
        finally:
            qemu.stop()
        return self.verdict(qemu)

    def follow(self, qemu, console, agent):
        """Until the exit frame, the end of QEMU, a panic, or the deadline."""
        selector = selectors.DefaultSelector()
        for sock, handler in ((console, self.on_console), (agent, self.on_agent)):
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ, handler)
        while self.status is None and selector.get_map():
            limit = min(self.deadline, self.fatal_deadline or self.deadline)
            now = time.monotonic()
            if now >= limit:
                break
            for key, _ in selector.select(min(limit - now, 0.5)):
                try:
                    data = key.fileobj.recv(1 << 16)
                except ConnectionResetError:
                    data = b""
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)
        selector.close()

    def on_console(self, data):
        if self.console_file:
            self.console_file.write(data)
        seen = max(0, len(self.console) - 256)
        self.console += data
        # That is final; the backtrace that may follow, slowly on a busy host, is waited for before we give up on the guest.
        if self.fatal_deadline is not None or FATAL.search(bytes(self.console[seen:])):
            ended = FATAL_END.search(bytes(self.console[seen:]))
            self.fatal_deadline = time.monotonic() + (FATAL_GRACE if ended else FATAL_SILENCE)
        if len(self.console) > CONSOLE_KEPT:
            del self.console[:CONSOLE_KEPT // 2]

    def on_agent(self, data):
        for kind, payload in self.frames.feed(data):
            if kind == b"x":
                self.status = struct.unpack("<i", payload)[0] & 0xFF
                return
            write_all(1 if kind == b"o" else 2, payload)

    def verdict(self, qemu):
        if self.status is not None:
            return self.status
        write_all(2, bytes(self.console) + qemu.said())
        if self.fatal_deadline is not None:
            reason, status = "the boot failed or the kernel panicked", EXIT_BOOT
        elif time.monotonic() >= self.deadline:
            what = "the command did not end" if self.frames.started else "the guest did not come up"
            reason, status = f"{what} within {self.timeout:g} s", EXIT_TIMEOUT
        else:
            reason, status = f"the guest ended early (QEMU exit status {qemu.process.returncode})", EXIT_BOOT
        sys.stderr.write(f"\nci/vm: {reason}; the console log is above\n")
        return status


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]
