# SPDX-License-Identifier: MIT
"""The PS/2 mouse: what QEMU's mouse does arrives at /dev/input/event1 as Linux's input events."""
import struct
import subprocess

from guest import RAEEN, vm_line
from qmp import Qmp

EV_SYN, EV_KEY, EV_REL = 0, 1, 2
REL_X, REL_Y, REL_WHEEL, BTN_LEFT = 0, 1, 8, 0x110
EVENT = struct.Struct("<qqHHi")  # struct input_event of <linux/input.h> on x86-64
# The movement (x, y), press, release and a turn of the wheel below, and the mark that ends each of the four reports.
WANTED = 9


def test_movement_buttons_and_wheel(tmp_path):
    command = f"exec 3< /dev/input/event1; echo ready; head -c {EVENT.size * WANTED} <&3"
    machine = subprocess.Popen(vm_line(RAEEN, "--qmp", tmp_path / "qmp", "--timeout", "60", "--", command),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        qmp = Qmp.connect(str(tmp_path / "qmp"), 30)
        assert machine.stdout.readline() == b"ready\n", machine.stderr.read().decode(errors="replace")
        move = [{"type": "rel", "data": {"axis": "x", "value": 7}}, {"type": "rel", "data": {"axis": "y", "value": -5}}]
        qmp.call("input-send-event", events=move)
        for down in (True, False):
            qmp.call("input-send-event", events=[{"type": "btn", "data": {"down": down, "button": "left"}}])
        qmp.call("input-send-event", events=[{"type": "btn", "data": {"down": True, "button": "wheel-up"}}])
        data, errors = machine.communicate(timeout=60)
    finally:
        machine.kill()
    assert machine.returncode == 0, errors.decode(errors="replace")
    events = [EVENT.unpack_from(data, at)[2:] for at in range(0, len(data), EVENT.size)]
    assert (EV_REL, REL_X, 7) in events and (EV_REL, REL_Y, -5) in events, events
    assert events.index((EV_KEY, BTN_LEFT, 1)) < events.index((EV_KEY, BTN_LEFT, 0)) < events.index((EV_REL, REL_WHEEL, 1))
    assert events[-1] == (EV_SYN, 0, 0) and events.count((EV_SYN, 0, 0)) == 4
