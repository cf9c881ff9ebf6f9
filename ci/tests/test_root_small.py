# SPDX-License-Identifier: MIT
"""The memory disk on a machine that has less memory than the disk could take."""
from guest import RAEEN, vm

WRITERS = 4
FILL = f"""mkdir /w; for i in $(seq {WRITERS}); do dd if=/dev/zero of=/w/$i bs=64k 2>&1 | grep -o 'No space left on device' & done; wait
ls -s /w | head -n 1; dmesg | grep -c 'out of memory'
for i in $(seq {WRITERS}); do cmp -n $(stat -c %s /w/$i) /w/$i /dev/zero; done
rm -r /w; sync; echo more >/more && cat /more; svc list | grep ext2"""


def test_full_memory_is_a_full_disk():
    """Who writes is told that there is no space; nobody is killed for memory, and what was written is there."""
    done = vm(RAEEN, FILL, "--mem", "64M", timeout=200)
    out = done.stdout.decode()
    assert done.returncode == 0 and not done.stderr, out + done.stderr.decode()
    lines = out.splitlines()
    assert lines[:WRITERS] == ["No space left on device"] * WRITERS, out
    total, killed, more, server = lines[WRITERS:]
    assert int(total.split()[1]) > 30000 and killed == "0" and more == "more" and server.startswith("ext2 running"), out
    assert server.split()[3] == "0", "the server was restarted: " + out
