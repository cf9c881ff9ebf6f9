# SPDX-License-Identifier: MIT
"""The counting plugin: how it reads instructions. That its numbers are right is seen in test_bench.py."""
import ctypes
import os
import subprocess

import pytest

from guest import ROOT

ATOMIC, CR3, INVLPG, PORT, WRMSR, OTHER = range(6)
KINDS = {
    "f0 48 0f c1 02": ATOMIC,  # lock xadd [rdx], rax
    "2e f0 83 00 01": ATOMIC,  # lock add dword cs:[rax], 1
    "87 07": ATOMIC,  # xchg [rdi], eax
    "4c 87 01": ATOMIC,
    "87 c7": OTHER,  # xchg edi, eax
    "0f 22 d8": CR3,
    "0f 22 e0": OTHER,  # mov cr4, rax
    "0f 01 38": INVLPG,
    "0f 01 f8": OTHER,  # swapgs
    "66 0f 38 82 08": INVLPG,  # invpcid
    "ee": PORT,
    "f3 6d": PORT,
    "66 e5 10": PORT,
    "0f 30": WRMSR,
    "0f 1f 84 00 02 45 41 52": OTHER,
    "c3": OTHER,
    "48": OTHER,
    "0f": OTHER,
}


@pytest.fixture(scope="module")
def decode(tmp_path_factory):
    target = tmp_path_factory.mktemp("decode") / "decode.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", target, os.path.join(ROOT, "ci/plugin/decode.c")], check=True)
    return ctypes.CDLL(str(target))


@pytest.mark.parametrize("code,kind", KINDS.items())
def test_kinds(decode, code, kind):
    data = bytes.fromhex(code)
    assert decode.decode_kind(data, len(data)) == kind


def test_marks(decode):
    for what, expected in ((0, 0), (1, 1), (4, 4), (5, 0), (255, 0)):
        data = bytes.fromhex("0f 1f 84 00") + (0x52414500 + what).to_bytes(4, "little")
        assert decode.decode_mark(data, len(data)) == expected
    assert decode.decode_mark(bytes.fromhex("0f 1f 40 00"), 4) == 0
