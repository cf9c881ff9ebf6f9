# SPDX-License-Identifier: MIT
"""Debian packages, binary and source, through the machine's own apt setup but in a private folder.

The private folder build/cache/apt has its own sources list, index and cache. The list is made from the machine's own
sources (both the one-line and the deb822 format; only Debian's entries), each as "deb" and "deb-src". The machine's
proxies, credentials and keys are used as they are; nothing outside of build/ is written, and root is not needed.
"""

import glob
import os
import re
import subprocess

from buildlib import BuildError, CACHE, locked, read_text, say, sha256_file, write_atomic

APT = os.path.join(CACHE, "apt")
DEBS = os.path.join(CACHE, "deb")
LOCK = os.path.join(CACHE, "apt.lock")

DEBIAN_PATH = re.compile(r"(^|/)debian(-security)?(\.list)?(/|$)")
DEBIAN_KEYRING = "debian-archive-"

# Given on the command line, which has the last word over the machine's configuration.
OPTIONS = {
    "Dir::Etc::sourcelist": "/nonexistent",
    "Dir::Etc::sourceparts": os.path.join(APT, "sources.list.d"),
    "Dir::Etc::preferences": "/nonexistent",
    "Dir::Etc::preferencesparts": os.path.join(APT, "preferences.d"),
    "Dir::State::lists": os.path.join(APT, "lists"),
    "Dir::Cache": APT,
    "Dir::Cache::archives": os.path.join(APT, "archives"),
    "Dir::Cache::pkgcache": os.path.join(APT, "pkgcache.bin"),
    "Dir::Cache::srcpkgcache": os.path.join(APT, "srcpkgcache.bin"),
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
}


class Source:
    """One repository: where, which suites and components, and the options to keep (Signed-By and its like)."""

    def __init__(self, uris, suites, components, signed_by=""):
        self.uris = [uri for uri in uris if not uri.startswith("cdrom:")]
        self.suites = suites
        self.components = components
        self.signed_by = signed_by

    def is_debian(self):
        """Third parties also publish for Debian's suites: take the path and the component as proof, or the key."""
        if "main" not in self.components or not self.uris:
            return False
        paths = all(DEBIAN_PATH.search(uri.split("://", 1)[-1]) for uri in self.uris)
        return paths or DEBIAN_KEYRING in self.signed_by

    def stanza(self):
        lines = ["Types: deb deb-src", "URIs: " + " ".join(self.uris), "Suites: " + " ".join(self.suites),
                 "Components: main"]
        if self.signed_by:
            lines.append("Signed-By: " + self.signed_by)
        return "\n".join(lines) + "\n"


def parse_list(text):
    """The one-line format: deb [option=value ...] uri suite component..."""
    for line in text.splitlines():
        match = re.match(r"\s*deb(?:-src)?\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)((?:\s+[^#\s]+)*)", line)
        if not match:
            continue
        options = dict(word.split("=", 1) for word in (match[1] or "").split() if "=" in word)
        yield Source([match[2]], [match[3]], match[4].split(), options.get("signed-by", "").replace(",", " "))


def parse_deb822(text):
    """The stanza format. A key embedded in Signed-By keeps its continuation lines."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        fields = {}
        name = None
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t") and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0") or "uris" not in fields:
            continue
        yield Source(fields["uris"].split(), fields.get("suites", "").split(), fields.get("components", "").split(),
                     fields.get("signed-by", ""))


def machine_sources():
    """Debian's entries of the machine's sources, each once."""
    sources = []
    etc = _apt_directory("Dir::Etc", "etc/apt")
    names = [os.path.join(etc, "sources.list")] + sorted(glob.glob(os.path.join(etc, "sources.list.d", "*")))
    for name in names:
        if name.endswith(".list"):
            sources += parse_list(read_text(name, ""))
        elif name.endswith(".sources"):
            sources += parse_deb822(read_text(name, ""))
    stanzas = dict.fromkeys(source.stanza() for source in sources if source.is_debian())
    if not stanzas:
        raise BuildError(f"no Debian repository among the apt sources in {etc}")
    return "\n".join(stanzas)


def _apt_directory(key, default):
    result = subprocess.run(["apt-config", "shell", "VALUE", key + "/d"], stdout=subprocess.PIPE, text=True,
                            check=False)
    match = re.match(r"VALUE='(.*)'", result.stdout)
    return match[1] if match else "/" + default


def _prepare():
    """Writes the private sources list. Returns True when its sources differ from those of the last index."""
    for folder in ("lists/partial", "archives/partial", "preferences.d"):
        os.makedirs(os.path.join(APT, folder), exist_ok=True)
    os.makedirs(DEBS, exist_ok=True)
    os.makedirs(os.path.join(APT, "sources.list.d"), exist_ok=True)
    path = os.path.join(APT, "sources.list.d", "raeen.sources")
    wanted = machine_sources()
    if read_text(path) == wanted and os.path.exists(os.path.join(APT, "updated")):
        return False
    write_atomic(path, wanted)
    return True


def _apt(command, cwd=None):
    """Runs apt with the private configuration; returns (exit status, output and errors as one text)."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", DEBIAN_FRONTEND="noninteractive")
    options = [word for key, value in OPTIONS.items() for word in ("-o", f"{key}={value}")]
    result = subprocess.run(command[:1] + options + command[1:], cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    return result.returncode, result.stdout


def _update():
    say("apt: reading the package index (private copy in build/cache/apt)")
    status, text = _apt(["apt-get", "update", "-q"])
    if status != 0:
        raise BuildError("apt-get update failed:\n" + text)
    write_atomic(os.path.join(APT, "updated"), "")


def _with_fresh_index(attempt):
    """Calls @attempt; when it fails with an index that may be old, reads the index again and tries once more."""
    fresh = _prepare()
    if fresh:
        _update()
    try:
        return attempt()
    except BuildError:
        if fresh:
            raise
    _update()
    return attempt()


def fetch_binary(package, sha256):
    """The path of @package's .deb in the cache. @sha256 is its checksum, or None for whatever version apt offers."""
    with locked(LOCK):
        for path in sorted(glob.glob(os.path.join(DEBS, package + "_*.deb")), key=os.path.getmtime, reverse=True):
            if sha256 is None or sha256_file(path) == sha256:
                return path
        return _with_fresh_index(lambda: _download_binary(package, sha256))


def _download_binary(package, sha256):
    say(f"apt: downloading the package {package}")
    before = set(os.listdir(DEBS))
    status, text = _apt(["apt-get", "download", "-q", package], cwd=DEBS)
    names = [name for name in os.listdir(DEBS) if name.startswith(package + "_") and name.endswith(".deb")]
    new = [name for name in names if name not in before] or names
    if status != 0 or not new:
        raise BuildError(f"apt-get download {package} failed:\n{text}")
    path = os.path.join(DEBS, max(new, key=lambda name: os.path.getmtime(os.path.join(DEBS, name))))
    actual = sha256_file(path)
    if sha256 is not None and actual != sha256:
        raise BuildError(f"{os.path.basename(path)}: SHA-256 is\n  {actual}, expected\n  {sha256}\n"
                         f"(Debian may have published a newer version of {package}; check it, then change the sum)")
    return path


def fetch_source(package, sha256, folder):
    """Fetches the upstream tarball with checksum @sha256 of Debian's source package @package into @folder."""
    os.makedirs(folder, exist_ok=True)
    with locked(LOCK):
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if ".tar" in name and sha256_file(path) == sha256:
                return path
        return _with_fresh_index(lambda: _download_source(package, sha256, folder))


def _source_versions(package):
    """Yields (Debian version, tarball name, SHA-256) of each tarball that the index has for @package."""
    status, text = _apt(["apt-cache", "showsrc", package])
    if status != 0:
        raise BuildError(f"apt knows no source package {package}:\n{text}")
    for stanza in re.split(r"\n\s*\n", text):
        version = re.search(r"^Version: (\S+)", stanza, re.M)
        name = re.search(r"^Package: (\S+)", stanza, re.M)
        if not version or not name or name[1] != package:
            continue
        block = re.search(r"^Checksums-Sha256:((?:\n .*)+)", stanza, re.M)
        for line in (block[1].split("\n") if block else []):
            words = line.split()
            if len(words) == 3 and re.search(r"\.tar\.\w+$", words[2]) and ".debian.tar" not in words[2]:
                yield version[1], words[2], words[0]


def _download_source(package, sha256, folder):
    versions = list(_source_versions(package))
    match = next((entry for entry in versions if entry[2] == sha256), None)
    if match is None:
        known = "".join(f"\n  {digest}  {name} ({version})" for version, name, digest in versions)
        raise BuildError(f"no tarball of the source package {package} has SHA-256\n  {sha256}; apt offers" +
                         (known or " none"))
    version, name, _ = match
    say(f"apt: downloading the source {name}")
    status, text = _apt(["apt-get", "source", "-q", "--tar-only", "--download-only", f"{package}={version}"],
                        cwd=folder)
    path = os.path.join(folder, name)
    if status != 0 or not os.path.exists(path):
        raise BuildError(f"apt-get source {package}={version} failed:\n{text}")
    if sha256_file(path) != sha256:
        os.unlink(path)
        raise BuildError(f"{name}: the download does not have the SHA-256 {sha256}")
    return path
