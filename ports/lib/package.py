# SPDX-License-Identifier: MIT
"""Turns a staged tree into packages: a manifest, the guest's database entry, and tar files with equal bytes for equal
input.

A port is packed twice: NAME-VERSION.tar holds what the running system needs, NAME-VERSION-dev.tar what only compiling
needs (headers, static libraries, pkg-config files), and manuals that a small image leaves out (guides, translations).
The second one exists only when it would not be empty.
"""

import hashlib
import os
import re
import stat
import tarfile

from buildlib import BuildError, EPOCH

DEV = re.compile("|".join((
    r"usr/(local/)?include(/|$)",
    r"usr/(local/)?lib/(.*/)?[^/]*\.(a|o|la|specs|cmake)$",
    r"usr/(local/)?(lib|share)/(pkgconfig|cmake|aclocal)(/|$)",
    r"usr/bin/[^/]*-config$",
    r"usr/share/(doc|info|locale|gtk-doc)(/|$)",
    r"usr/share/man/(man3|[^/]*/man[0-9]|[^m][^/]*)(/|$)",
)))


def entries(stage):
    """Yields the relative path of everything in @stage, sorted, folders before their contents."""
    found = []
    for folder, folders, names in os.walk(stage):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        found += [os.path.relpath(os.path.join(folder, name), stage) for name in names + folders]
        for name in links:
            folders.remove(name)
    return sorted(found)


def split(paths, stage):
    """Divides @paths into (run-time, development); a folder goes where something inside of it goes."""
    runtime, dev = [], []
    for path in paths:
        full = os.path.join(stage, path)
        if os.path.isdir(full) and not os.path.islink(full):
            continue
        (dev if DEV.match(path) else runtime).append(path)
    return _with_parents(runtime), _with_parents(dev)


def _with_parents(paths):
    result = set(paths)
    for path in paths:
        while os.path.dirname(path):
            path = os.path.dirname(path)
            result.add(path)
    return sorted(result)


def manifest(paths, stage):
    """One line an entry: mode, size, SHA-256 (or -> TARGET for a link, or - for a folder), path."""
    lines = []
    for path in paths:
        full = os.path.join(stage, path)
        status = os.lstat(full)
        if stat.S_ISLNK(status.st_mode):
            lines.append(f"120777 0 -> {os.readlink(full)} /{path}")
        elif stat.S_ISDIR(status.st_mode):
            lines.append(f"{status.st_mode:06o} 0 - /{path}")
        elif stat.S_ISREG(status.st_mode):
            with open(full, "rb") as handle:
                digest = hashlib.sha256(handle.read()).hexdigest()
            lines.append(f"{status.st_mode:06o} {status.st_size} {digest} /{path}")
        else:
            raise BuildError(f"/{path} is a special file, expected a file, a folder or a link")
    return "".join(line + "\n" for line in lines)


def write_tar(path, paths, stage):
    """Packs @paths of @stage: sorted, owned by root, with one date. The file appears by rename."""
    temporary = path + ".tmp"
    with tarfile.open(temporary, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in paths:
            info = archive.gettarinfo(os.path.join(stage, name), arcname=name)
            info.uid = info.gid = 0
            info.uname = info.gname = "root"
            info.mtime = EPOCH
            if info.islnk():  # tarfile sees hard links by inode; pack the file itself
                info.type = tarfile.REGTYPE
                info.size = os.path.getsize(os.path.join(stage, name))
            if info.isreg():
                with open(os.path.join(stage, name), "rb") as handle:
                    archive.addfile(info, handle)
            else:
                archive.addfile(info)
    os.replace(temporary, path)


def check_stage(stage, forbidden, promised):
    """Refuses a stage that has nothing in it, that lacks one of the paths @promised (makefiles that fail and exit with
    0 are not rare), or whose links name the build machine's folders."""
    found = entries(stage)
    if not found:
        raise BuildError("the build installed nothing into the stage")
    for path in promised:
        full = os.path.join(stage, path)
        if not os.path.lexists(full):
            raise BuildError(f"the build did not install /{path}, which INSTALLS promises")
        if os.path.isfile(full) and os.path.getsize(full) == 0:
            raise BuildError(f"the build installed an empty /{path}")
    for path in found:
        full = os.path.join(stage, path)
        if os.path.islink(full) and any(os.readlink(full).startswith(prefix) for prefix in forbidden):
            raise BuildError(f"/{path} is a link into the build machine: {os.readlink(full)}")
