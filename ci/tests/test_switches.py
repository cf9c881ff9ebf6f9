# SPDX-License-Identifier: MIT
"""What can be left out of the kernel (src/kernel/README.md, "Switches"): each part works without the others, and the system without them all."""
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

SMALL = os.path.join(BUILD, "without")

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


@pytest.mark.parametrize("on", [(), *((name,) for name in switches.SWITCHES)], ids=lambda on: "".join(on) or "none")
def test_alone(on):
    """Builds, boots, and runs programs; smaller than what ships."""
    switches.build_kernel(SMALL, os.path.join(BUILD, "uapi"), *on)
    with open(os.path.join(SMALL, "kernel/features"), encoding="utf-8") as file:
        assert file.read().split() == [name.lower() for name in on]
    done = boot(SMALL, "cd /tmp && seq 3 | sort -r | tr '\\n' ' ' > x && cat x && uname")
    assert (done.returncode, done.stdout) == (0, b"3 2 1 RaeenOS\n"), console_text(done.stderr)
    size = measure.kernel_size(SMALL)
    assert size < measure.kernel_size() and (on or size <= goals.SMALLEST_KERNEL_BYTES), size
