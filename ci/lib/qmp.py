# SPDX-License-Identifier: MIT
"""A small client of QEMU's monitor protocol: screenshots and key strokes for tests."""
import json
import socket
import time

# Characters whose key has another name, and those that need shift, on a US keyboard.
KEYS = {" ": "spc", "\n": "ret", "\t": "tab", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right",
        ";": "semicolon", "'": "apostrophe", "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot",
        "/": "slash", "\b": "backspace", "\x1b": "esc"}
SHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./"))


class QmpError(Exception):
    pass


class Qmp:
    """Speaks over a connected socket. Every call raises QmpError when QEMU refuses."""

    def __init__(self, connection):
        self.connection = connection
        connection.settimeout(30)
        self.stream = connection.makefile("rb")
        self.stream.readline()
        self.call("qmp_capabilities")

    @classmethod
    def connect(cls, path, timeout=10):
        """Waits until QEMU listens at @path."""
        deadline = time.monotonic() + timeout
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(path)
                return cls(connection)
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def call(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.connection.sendall(json.dumps(request).encode() + b"\n")
        while True:
            line = self.stream.readline()
            if not line:
                raise QmpError(f"{command}: QEMU is gone")
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QmpError(f"{command}: {answer['error'].get('desc')}")

    def screendump(self, path):
        """Writes the screen as a PPM file."""
        self.call("screendump", filename=path)

    def press(self, *keys):
        """One chord, such as press("ctrl", "c"). The pause lets the guest's keyboard buffer keep up."""
        self.call("send-key", keys=[{"type": "qcode", "data": key} for key in keys], **{"hold-time": 20})
        time.sleep(0.06)

    def type(self, text):
        for char in text:
            shift = char in SHIFTED or char.isupper()
            base = SHIFTED.get(char, char.lower())
            key = KEYS.get(base, base)
            self.press(*(("shift", key) if shift else (key,)))
