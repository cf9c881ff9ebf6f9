# SPDX-License-Identifier: MIT
"""What every host-side build script shares: where things are, locks, hashes, and how to fail.

A script fails by raising BuildError; main() prints one line and exits with 1. Locks are advisory files under
build/, so that several builds of one checkout may run side by side.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(ROOT, "build"))
CACHE = os.path.join(BUILD, "cache")
TRIPLE = "x86_64-raeen-linux-musl"

# One date for everything that is packed, so that equal inputs give equal bytes.
EPOCH = 1767225600


class BuildError(Exception):
    """A failure that its message explains; no traceback is wanted."""


def say(message):
    print(message, flush=True)


def run(command, **options):
    """Runs @command (a list); raises BuildError when it does not exit with 0."""
    result = subprocess.run(command, check=False, **options)
    if result.returncode != 0:
        raise BuildError(f"{' '.join(command)}: exit status {result.returncode}")
    return result


def output_of(command, **options):
    return run(command, stdout=subprocess.PIPE, text=True, **options).stdout


@contextlib.contextmanager
def locked(path):
    """Holds the lock file @path exclusively; waits for it, and says so when that takes a while.

    Yields the descriptor: a child that inherits it (pass_fds) keeps the lock, should this process be killed.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another build ({os.path.relpath(path)})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


def sha256_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def sha256_text(text):
    return hashlib.sha256(text.encode()).hexdigest()


def read_text(path, default=None):
    """The text of @path, or @default when there is no such file."""
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return default


def write_atomic(path, text, mode=0o644):
    """Replaces @path as a whole: a reader sees the old text or the new one, an interruption leaves the old one."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as handle:
        handle.write(text)
    os.chmod(temporary, mode)
    os.replace(temporary, path)


def remove_tree(path):
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        shutil.rmtree(path)


def replace_tree(new, path):
    """Moves the folder @new to @path; what was there goes away afterwards."""
    old = path + ".old"
    remove_tree(old)
    if os.path.lexists(path):
        os.rename(path, old)
    os.rename(new, path)
    remove_tree(old)


def main(entry):
    """Runs @entry(arguments) and turns a BuildError into a message and exit status 1.

    Modes of what is built must not depend on the caller's umask.
    """
    os.umask(0o022)
    try:
        sys.exit(entry(sys.argv[1:]) or 0)
    except BuildError as error:
        print(f"{os.path.basename(sys.argv[0])}: error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
