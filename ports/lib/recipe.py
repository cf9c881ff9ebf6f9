# SPDX-License-Identifier: MIT
"""Reads ports/NAME/port: lines KEY=VALUE, parsed and never executed.

The value is the rest of the line as it stands (no quotes, no expansion); lines that are empty or start with # are
skipped. A recipe that is wrong is refused with file, line and what was expected.
"""

import os
import re

from buildlib import BuildError, ROOT

PORTS = os.path.join(ROOT, "ports")

BUILD_KINDS = ("make", "autoconf", "cmake", "meson", "custom")

# Key: (pattern, what to say when the value does not match it).
KEYS = {
    "NAME": (r"[a-z0-9][a-z0-9.+-]*", "the name of the folder: lower-case letters, digits, '.', '+' and '-'"),
    "VERSION": (r"[0-9A-Za-z][0-9A-Za-z.+~_-]*", "an upstream version, such as 1.2.3"),
    "SOURCE": (r"deb:[a-z0-9][a-z0-9.+-]+", "deb:PACKAGE, a Debian source package"),
    "SHA256": (r"[0-9a-f]{64}", "the SHA-256 of the upstream tarball, 64 hexadecimal digits"),
    "LICENSE": (r"\S.*", "an SPDX licence expression"),
    "DEPENDS": (r"([a-z0-9][a-z0-9.+-]*( +[a-z0-9][a-z0-9.+-]*)*)?", "names of ports, separated by spaces"),
    "BUILD": ("|".join(BUILD_KINDS), "one of " + ", ".join(BUILD_KINDS)),
    "OPTIONS": (r".*", "words for configure, cmake, meson or make"),
    "INSTALLS": (r"[^/\s]\S*( +[^/\s]\S*)*", "paths without the leading '/', separated by spaces"),
    "TOOLS": (r"[a-z0-9][a-z0-9.+-]*( +[a-z0-9][a-z0-9.+-]*)*", "names of Debian packages, separated by spaces"),
    "NEEDS": (r"[a-z0-9][a-z0-9.+-]*( +[a-z0-9][a-z0-9.+-]*)*", "names of ports, separated by spaces"),
    "FEATURES": (r"[a-z_]+( +[a-z_]+)*", "features that a kernel can be built without, separated by spaces"),
    "SLOW": ("yes", "yes, or not to be there"),
    "TOOLCHAIN": ("host|target", "host (only what the target's compiler itself is made from) or target"),
    "TEST": (r"\S.*", "a shell command"),
    "EXPECT": (r".*", "a regular expression"),
}
REQUIRED = ("NAME", "VERSION", "SOURCE", "SHA256", "LICENSE", "BUILD", "INSTALLS")
REPEATED = ("TEST", "EXPECT")


class Recipe:
    """A port's recipe. @tests is a list of (command, regular expression) pairs."""

    def __init__(self, values, tests, folder):
        self.name = values["NAME"]
        self.version = values["VERSION"]
        self.source = values["SOURCE"]
        self.package = values["SOURCE"].split(":", 1)[1]
        self.sha256 = values["SHA256"]
        self.license = values["LICENSE"]
        self.depends = values.get("DEPENDS", "").split()
        self.build = values["BUILD"]
        self.options = values.get("OPTIONS", "").split()
        self.installs = values["INSTALLS"].split()
        self.tools = values.get("TOOLS", "").split()
        self.needs = values.get("NEEDS", "").split()
        self.features = values.get("FEATURES", "").split()
        self.slow = "SLOW" in values
        self.toolchain = values.get("TOOLCHAIN", "target")
        self.tests = tests
        self.folder = folder

    def script(self):
        """The path of build.sh, or None."""
        path = os.path.join(self.folder, "build.sh")
        return path if os.path.exists(path) else None

    def patches(self):
        folder = os.path.join(self.folder, "patches")
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return [os.path.join(folder, name) for name in names if name.endswith(".patch")]

    def files(self):
        """Every file beside the recipe that can change what is built: all but texts and the files of the tests."""
        found = []
        for folder, folders, names in os.walk(self.folder):
            if folder == self.folder and "tests" in folders:
                folders.remove("tests")
            found += [os.path.join(folder, name) for name in names if not name.endswith((".md", "~"))]
        return sorted(path for path in found if path != os.path.join(self.folder, "port"))

    def inputs(self):
        """The recipe without its tests, which do not change what is built, as a text."""
        return repr((self.name, self.version, self.source, self.sha256, self.license, self.depends, self.build,
                     self.options, self.installs, self.toolchain))


def names():
    """Every port of the tree."""
    return sorted(name for name in os.listdir(PORTS) if os.path.exists(os.path.join(PORTS, name, "port")))


def load(name):
    folder = os.path.join(PORTS, name)
    path = os.path.join(folder, "port")
    if not os.path.exists(path):
        raise BuildError(f"no port {name!r}: there is no {os.path.relpath(path, ROOT)} (ports: {' '.join(names())})")
    with open(path, encoding="utf-8") as handle:
        recipe = parse(handle.read(), os.path.relpath(path, ROOT), folder)
    if recipe.name != name:
        raise BuildError(f"{os.path.relpath(path, ROOT)}: NAME is {recipe.name!r}, expected the folder's name {name!r}")
    if recipe.build == "custom" and not recipe.script():
        raise BuildError(f"{os.path.relpath(path, ROOT)}: BUILD=custom, expected a build.sh beside it")
    return recipe


def parse(text, shown, folder):
    """Parses a recipe's @text. @shown is the file's name for messages."""
    values = {}
    tests = []
    command = None
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{shown}:{number}"
        if not line.strip() or line.startswith("#"):
            continue
        key, value = _assignment(line, where)
        if command is not None and key != "EXPECT":
            raise BuildError(f"{where}: found {key}, expected EXPECT= after TEST=")
        if key in values and key not in REPEATED:
            raise BuildError(f"{where}: {key} is given twice, expected once")
        if key == "TEST":
            command = value
        elif key == "EXPECT":
            tests.append((command, _expectation(value, command, where)))
            command = None
        else:
            values[key] = value
    if command is not None:
        raise BuildError(f"{shown}: TEST without EXPECT at the end, expected EXPECT=REGEX")
    missing = [key for key in REQUIRED if key not in values]
    if missing:
        raise BuildError(f"{shown}: expected {', '.join(missing)}, which the recipe lacks")
    return Recipe(values, tests, folder)


def _assignment(line, where):
    match = re.fullmatch(r"([A-Za-z0-9_]+)=(.*)", line.rstrip())
    if not match:
        raise BuildError(f"{where}: found {line!r}, expected KEY=VALUE without spaces around '='")
    key, value = match[1], match[2]
    if key not in KEYS:
        raise BuildError(f"{where}: unknown key {key}, expected one of {', '.join(KEYS)}")
    pattern, expected = KEYS[key]
    if not re.fullmatch(pattern, value):
        raise BuildError(f"{where}: {key} is {value!r}, expected {expected}")
    return key, value


def _expectation(value, command, where):
    if command is None:
        raise BuildError(f"{where}: EXPECT without TEST, expected a TEST= line before it")
    try:
        re.compile(value)
    except re.error as error:
        raise BuildError(f"{where}: EXPECT is {value!r}, expected a regular expression ({error})") from error
    return value
