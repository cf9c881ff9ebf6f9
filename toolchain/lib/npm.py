# SPDX-License-Identifier: MIT
"""Packages of the npm registry, by the machine's own npm: only as archives of files. Nothing of them is installed or run."""

import os
import shutil
import tempfile

from buildlib import BuildError, CACHE, ROOT, locked, output_of, run, say, sha256_file

FOLDER = os.path.join(CACHE, "npm")


def fetch(package, version, sha256):
    """The path of @package's archive (.tgz) in the cache; @sha256 is its checksum."""
    path = os.path.join(FOLDER, f"{package}-{version}.tgz")
    with locked(FOLDER + ".lock"):
        if not os.path.exists(path) or sha256_file(path) != sha256:
            _download(package, version, sha256, path)
    return path


def _download(package, version, sha256, path):
    if not shutil.which("npm"):
        run([os.path.join(ROOT, "toolchain/deps"), f"archive {package}", "npm"])
    say(f"npm: downloading {package} {version}")
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        name = output_of(["npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}"], cwd=folder).split()[-1]
        actual = sha256_file(os.path.join(folder, name))
        if actual != sha256:
            raise BuildError(f"{name}: SHA-256 is\n  {actual}, expected\n  {sha256}")
        os.replace(os.path.join(folder, name), path)
