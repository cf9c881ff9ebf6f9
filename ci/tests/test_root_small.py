# SPDX-License-Identifier: MIT
"""The memory disk on a machine that has less memory than the disk could take; and that what is removed gives its memory back."""
import os
import shutil

from guest import BUILD, RAEEN, vm

WRITERS = 4
# A commit that there is too little memory for leaves frames to blocks that stay free.
KEPT = 1500
FRAMES = "frames() { cut -d ' ' -f 2 /proc/disks/ram0/control; }"
# What is removed is freed after the answer, and given back with the group of commits that freed it.
FILL = f"""{FRAMES}
fill() {{ mkdir $1; for i in $(seq {WRITERS}); do dd if=/dev/zero of=$1/$i bs=64k 2>&1 | grep -o 'No space left on device' & done; wait
for i in $(seq {WRITERS}); do cmp -n $(stat -c %s $1/$i) $1/$i /dev/zero; done
echo $(stat -c %i $1) $(ls -s $1 | head -n 1) $(dmesg | grep -c 'out of memory') $(figures); }}
figures() {{ echo $(frames) $(grep MemFree /proc/meminfo); }}
empty() {{ rm -r $1; sync; for i in $(seq 100); do [ $(frames) -lt $((before + {KEPT})) ] && break; sleep 0.1; sync; done; figures; }}
before=$(frames); figures; fill /w; empty /w; fill /home/w; empty /home/w
echo more >/more && cat /more; svc list | grep ext2"""
# Blocks go from file to file while some still write to them. What was there before is written first, so that it has its frames.
RACES = f"""{FRAMES}
sync; frames; TMPDIR=/root SECONDS=5 CASE_LIMIT_MS=100000 /tests/root_beside blocks_of_others && sync && sleep 1 && sync && frames"""


def figures(words):
    """Frames of the disk, and KiB that are free."""
    return int(words[0]), int(words[2])


def test_full_memory_is_a_full_disk():
    """
    Who writes is told that there is no space; nobody is killed for memory, and what was written is there. What is removed makes room for as much elsewhere on
    the disk, where blocks have no frames yet.
    """
    done = vm(RAEEN, FILL, "--mem", "64M", timeout=300)
    out = done.stdout.decode()
    assert done.returncode == 0 and not done.stderr, out + done.stderr.decode()
    lines = out.splitlines()
    refused = [line for line in lines if line == "No space left on device"]
    before, full, empty, again, empty_again = [line.split() for line in lines if line[0].isdigit() and "MemFree" in line]
    assert len(refused) == 2 * WRITERS, out
    assert int(full[2]) > 30000 and full[3] == again[3] == "0" and "more" in lines, out
    assert int(full[0]) - int(again[0]) > 4000, "the two directories lie in the same part of the disk: " + out
    assert int(again[2]) > int(full[2]) * 9 // 10, "what was removed was not given back: " + out
    frames, free = figures(before)
    assert figures(full[4:])[0] > frames + 7000 and figures(full[4:])[1] < free // 4, out
    for words in (empty, empty_again):
        assert figures(words)[0] < frames + KEPT and figures(words)[1] > free - 4 * KEPT - 2048, "memory is missing: " + out
    server = [line for line in lines if line.startswith("ext2 running")]
    assert len(server) == 1 and server[0].split()[3] == "0", "the server was restarted: " + out


def test_blocks_that_go_from_file_to_file(tmp_path):
    """No write comes to a block that has been given back: it would have a frame again, and nobody to free it."""
    (tmp_path / "tests").mkdir()
    shutil.copy(os.path.join(BUILD, "tests/tests/root_beside"), tmp_path / "tests")
    done = vm(RAEEN, RACES, "--mem", "64M", "--overlay", tmp_path, timeout=200)
    out = done.stdout.decode()
    assert done.returncode == 0, out + done.stderr.decode()
    before, *said, after = out.splitlines()
    assert any(line.startswith("ok root_beside") for line in said) and int(after) < int(before) + 30, out
