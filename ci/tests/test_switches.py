# SPDX-License-Identifier: MIT
"""What can be left out (src/kernel/README.md, "Switches"): each part works without the others, and all work together."""
import os
import re
import subprocess
import sys

import pytest

from guest import BUILD, ROOT, console_text

sys.path.insert(0, os.path.join(ROOT, "ci/bench"))
import goals  # noqa: E402
import measure  # noqa: E402
import switches  # noqa: E402

FOLDER = os.path.join(BUILD, "switches")

pytestmark = pytest.mark.full


def boot(folder, command):
    """Makes an image of the kernel in @folder and the usual root file system, and runs @command there."""
    image = os.path.join(folder, "raeen.iso")
    kernels = [os.path.join(folder, "kernel", name) for name in ("kernel.boot", "kernel-selftest.boot")]
    subprocess.run([os.path.join(ROOT, "grub/make-iso"), image, kernels[0], os.path.join(BUILD, "root.ext2"), kernels[1]], check=True)
    return subprocess.run([os.path.join(ROOT, "ci/vm"), "--image", image, "--", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_list():
    """Of the top Makefile, the kernel's and its README."""
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        assert tuple(re.search(r"^SWITCHES := (.*)$", file.read(), re.M)[1].split()) == switches.SWITCHES
    with open(os.path.join(ROOT, "src/kernel/Makefile"), encoding="utf-8") as file:
        assert tuple(re.findall(r"^(\w+) \?= yes$", file.read(), re.M)) == switches.SWITCHES
    with open(os.path.join(ROOT, "src/kernel/README.md"), encoding="utf-8") as file:
        rows = file.read().split("\n## Switches\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| ([A-Z_]+) \|", rows, re.M)) == set(switches.SWITCHES)


@pytest.mark.parametrize("on", [(), *((name,) for name in switches.SWITCHES), switches.SWITCHES],
                         ids=lambda on: "all" if on == switches.SWITCHES else "".join(on) or "none")
def test_kernel(on):
    """Builds, boots, runs programs, and is no larger than it may be."""
    switches.build_kernel(FOLDER, os.path.join(BUILD, "uapi"), *on)
    with open(os.path.join(FOLDER, "kernel/features"), encoding="utf-8") as file:
        assert sorted(file.read().split()) == sorted(name.lower() for name in on)
    done = boot(FOLDER, "cd /tmp && seq 3 | sort -r | tr '\\n' ' ' > x && cat x && uname -o")
    assert (done.returncode, done.stdout) == (0, b"3 2 1 RaeenOS\n"), console_text(done.stderr)
    assert measure.kernel_size(FOLDER) <= (goals.KERNEL_BYTES if on else goals.SMALLEST_KERNEL_BYTES)
