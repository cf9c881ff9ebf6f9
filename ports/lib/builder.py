# SPDX-License-Identifier: MIT
"""Builds one port: fetch, unpack, patch, compile, stage, check, pack.

Everything happens in build/ports/NAME: src/ and obj/ are under work/, the result is stage/ and the tar files. The file
stamp is written last and holds a hash of all inputs; it is removed before anything else changes, so that a build that
failed or was interrupted is never taken for a success.
"""

import contextlib
import os
import shutil
import subprocess

import apt
import package
import recipe as recipes
from buildlib import (BUILD, BuildError, CACHE, EPOCH, ROOT, TRIPLE, locked, output_of, read_text, remove_tree, say,
                      sha256_file, sha256_text, write_atomic)

TOOLCHAIN = os.path.join(BUILD, "toolchain")
CFLAGS = "-O2 -pipe"
LICENSE_NAMES = ("copying", "copyright", "license", "licence", "notice")


def port_folder(name):
    return os.path.join(BUILD, "ports", name)


def stage_folder(name):
    return os.path.join(port_folder(name), "stage")


class Builder:
    """The build of one recipe. @depends holds the Builders of its dependencies, already built."""

    def __init__(self, recipe, depends):
        self.recipe = recipe
        self.depends = depends
        self.folder = port_folder(recipe.name)
        self.work = os.path.join(self.folder, "work")
        self.source = os.path.join(self.work, "src")
        self.object = os.path.join(self.work, "obj")
        self.stage = os.path.join(self.work, "stage")
        self.log = os.path.join(self.folder, "build.log")
        self.stamp = os.path.join(self.folder, "stamp")
        self.lock = None

    def hash(self):
        """Of everything that can change the result. Dependencies, which are built before, count by their packages'
        bytes, so that one which was built again without a difference changes nothing."""
        parts = [self.recipe.inputs()]
        parts += [f"{os.path.relpath(path, ROOT)} {sha256_file(path)}" for path in self.recipe.files()]
        library = os.path.dirname(os.path.abspath(__file__))
        parts += [f"{name} {sha256_file(os.path.join(library, name))}" for name in ("builder.py", "package.py")]
        parts += [sha256_file(path) for other in self.all_depends() for path in other.packages()]
        if self.recipe.toolchain == "host":
            parts.append(output_of(["gcc", "--version"]))
        else:
            parts.append(read_text(os.path.join(TOOLCHAIN, "stamp"), ""))
        return sha256_text("\n".join(parts))

    def packages(self):
        """Paths of the tar files: run-time first, then development if there is one."""
        base = os.path.join(self.folder, f"{self.recipe.name}-{self.recipe.version}")
        return [path for path in (base + ".tar", base + "-dev.tar") if os.path.exists(path)]

    def is_current(self):
        return read_text(self.stamp, "").strip() == self.hash() and self.packages() and os.path.isdir(
            stage_folder(self.recipe.name))

    def build(self, force=False):
        """Builds unless the result is current. Returns True when it built."""
        with locked(os.path.join(self.folder, "lock")) as self.lock:
            if self.is_current() and not force:
                return False
            say(f"port {self.recipe.name} {self.recipe.version}: building")
            self._install_tools()
            for path in [self.stamp, self.work, stage_folder(self.recipe.name)] + self.packages():
                remove_tree(path)
            open(self.log, "w", encoding="utf-8").close()
            self._unpack()
            self._compile()
            self._finish()
            return True

    def _install_tools(self):
        """Debian packages that only this port's build needs."""
        if self.recipe.tools:
            command = [os.path.join(ROOT, "toolchain", "deps"), f"port {self.recipe.name}"] + self.recipe.tools
            if subprocess.run(command, check=False).returncode != 0:
                raise BuildError(f"port {self.recipe.name}: needs {' '.join(self.recipe.tools)} on this machine")

    def _unpack(self):
        tarball = apt.fetch_source(self.recipe.package, self.recipe.sha256,
                                   os.path.join(CACHE, "source", self.recipe.name))
        unpacked = os.path.join(self.work, "unpacked")
        os.makedirs(unpacked)
        os.makedirs(self.object)
        os.makedirs(self.stage)
        self._run(["tar", "-xf", tarball, "--no-same-owner", "-C", unpacked], self.work)
        # Nearly all tarballs hold one folder; a few hold the sources themselves.
        top = [os.path.join(unpacked, name) for name in os.listdir(unpacked)]
        os.rename(top[0] if len(top) == 1 and os.path.isdir(top[0]) else unpacked, self.source)
        for patch in self.recipe.patches():
            self._run(["patch", "-p1", "--no-backup-if-mismatch", "-i", patch], self.source)

    def _compile(self):
        build = {"make": self._make, "autoconf": self._autoconf, "cmake": self._cmake, "meson": self._meson,
                 "custom": lambda: None}
        build[self.recipe.build]()
        script = self.recipe.script()
        if script:
            self._run(["/bin/sh", "-eu", script], self.source)

    def _make(self):
        """Only CC is forced: makefiles keep their own ideas of AR or CFLAGS, which OPTIONS may override."""
        words = ["make", f"-j{os.cpu_count()}", f"CC={self._tools()['CC']}"] + self.recipe.options
        self._run(words, self.source)
        self._run(words + ["install", f"DESTDIR={self.stage}", "PREFIX=/usr", "prefix=/usr"], self.source)

    def _autoconf(self):
        self._run([os.path.join(self.source, "configure"), f"--host={TRIPLE}", "--build=x86_64-pc-linux-gnu",
                   "--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var", "--disable-shared",
                   "--enable-static"] + self.recipe.options, self.object)
        self._run(["make", f"-j{os.cpu_count()}"], self.object)
        self._run(["make", "install", f"DESTDIR={self.stage}"], self.object)

    def _need(self, tool, debian):
        if shutil.which(tool) is None:
            raise BuildError(f"port {self.recipe.name}: no {tool} on this machine; expected the package {debian}")

    def _cmake(self):
        self._need("cmake", "cmake")
        toolchain = os.path.join(self.work, "raeen.cmake")
        tools = self._tools()
        write_atomic(toolchain, "set(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR x86_64)\n"
                     f"set(CMAKE_C_COMPILER {tools['CC']})\n"
                     f"set(CMAKE_AR {TOOLCHAIN}/bin/{tools['AR']} CACHE FILEPATH ar)\n"
                     "set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)\nset(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)\n"
                     "set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)\nset(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)\n"
                     f"set(CMAKE_FIND_ROOT_PATH {';'.join([BUILD + '/sysroot'] + self._depend_stages())})\n")
        self._run(["cmake", "-S", self.source, "-B", self.object, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}",
                   "-DCMAKE_INSTALL_PREFIX=/usr", "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF"]
                  + self.recipe.options, self.work)
        self._run(["cmake", "--build", self.object, "-j", str(os.cpu_count())], self.work)
        self._run(["cmake", "--install", self.object], self.work, DESTDIR=self.stage)

    def _meson(self):
        self._need("meson", "meson")
        self._need("pkg-config", "pkgconf")
        cross = os.path.join(self.work, "raeen.ini")
        tools = self._tools()
        write_atomic(cross, f"[binaries]\nc = '{tools['CC']}'\nar = '{tools['AR']}'\nstrip = '{tools['STRIP']}'\n"
                     f"pkgconfig = '{TRIPLE}-pkg-config'\n[host_machine]\nsystem = 'linux'\ncpu_family = 'x86_64'\n"
                     "cpu = 'x86_64'\nendian = 'little'\n")
        self._run(["meson", "setup", self.object, self.source, f"--cross-file={cross}", "--prefix=/usr",
                   "--buildtype=release", "--default-library=static"] + self.recipe.options, self.work)
        self._run(["meson", "compile", "-C", self.object], self.work)
        self._run(["meson", "install", "-C", self.object], self.work, DESTDIR=self.stage)

    def _finish(self):
        """Licence, strip, checks, database entry, packages; the stamp is last."""
        name = self.recipe.name
        package.check_stage(self.stage, (BUILD, ROOT), self.recipe.installs)
        self._install_license()
        runtime, dev = package.split(package.entries(self.stage), self.stage)
        self._strip(runtime)
        self._run([os.path.join(ROOT, "toolchain", "check-elf"), "--pie", self.stage], self.work)
        database = os.path.join("var", "db", "raeen", name)
        os.makedirs(os.path.join(self.stage, database))
        write_atomic(os.path.join(self.stage, database, "files"), package.manifest(runtime, self.stage))
        write_atomic(os.path.join(self.stage, database, "origin"), self._origin())
        runtime = package.split(package.entries(self.stage), self.stage)[0]
        base = os.path.join(self.folder, f"{name}-{self.recipe.version}")
        if dev:
            package.write_tar(base + "-dev.tar", dev, self.stage)
        package.write_tar(base + ".tar", runtime, self.stage)
        os.rename(self.stage, stage_folder(name))
        remove_tree(self.work)
        write_atomic(self.stamp, self.hash() + "\n")

    def _origin(self):
        recipe = self.recipe
        return (f"name: {recipe.name}\nversion: {recipe.version}\nsource: {recipe.source}\n"
                f"sha256: {recipe.sha256}\nlicense: {recipe.license}\ndepends: {' '.join(recipe.depends)}\n"
                f"patches: {' '.join(os.path.basename(path) for path in recipe.patches())}\n")

    def _install_license(self):
        target = os.path.join(self.stage, "usr", "share", "licenses", self.recipe.name)
        found = [name for name in sorted(os.listdir(self.source))
                 if name.lower().startswith(LICENSE_NAMES) and os.path.isfile(os.path.join(self.source, name))]
        if not found and not os.path.isdir(target):
            raise BuildError(f"port {self.recipe.name}: the source has no licence file at its top; expected build.sh "
                             f"to install one in usr/share/licenses/{self.recipe.name}")
        os.makedirs(target, exist_ok=True)
        for name in found:
            shutil.copyfile(os.path.join(self.source, name), os.path.join(target, name))

    def _strip(self, paths):
        for path in paths:
            full = os.path.join(self.stage, path)
            if os.path.islink(full) or not os.path.isfile(full):
                continue
            with open(full, "rb") as handle:
                if handle.read(4) == b"\x7fELF":
                    mode = os.stat(full).st_mode
                    self._run(["strip", full], self.work)
                    os.chmod(full, mode)

    def _depend_stages(self):
        return [stage_folder(other.recipe.name) for other in self.all_depends()]

    def all_depends(self):
        """Dependencies and theirs, each once, nearest first."""
        found = {}
        for other in self.depends:
            found[other.recipe.name] = other
        for other in self.depends:
            for further in other.all_depends():
                found.setdefault(further.recipe.name, further)
        return list(found.values())

    def _tools(self):
        if self.recipe.toolchain == "host":
            return {"CC": "gcc", "CFLAGS": self._cflags()}
        tools = {variable: f"{TRIPLE}-{tool}" for variable, tool in
                 {"CC": "gcc", "AR": "ar", "RANLIB": "ranlib", "STRIP": "strip", "LD": "ld", "NM": "nm"}.items()}
        tools["CFLAGS"] = self._cflags()
        return tools

    def _cflags(self):
        return f"{CFLAGS} -ffile-prefix-map={self.work}=/usr/src/{self.recipe.name}"

    def _environment(self):
        """A fixed environment: nothing of the caller's shell reaches a build, except where the cores are."""
        environment = {
            "PATH": f"{TOOLCHAIN}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.work, "LC_ALL": "C.UTF-8",
            "TZ": "UTC", "SOURCE_DATE_EPOCH": str(EPOCH), "SRC": self.source, "OBJ": self.object,
            "STAGE": self.stage, "PORT": self.recipe.folder, "VERSION": self.recipe.version,
            "JOBS": str(os.cpu_count()), "TRIPLE": TRIPLE,
            "RAEEN_PORTS": ":".join(self._depend_stages()),
        }
        environment.update(self._tools())
        return environment

    def _run(self, command, folder, **extra):
        """Runs one step with its output in the log; a failure shows the log's end.

        The step holds the lock too: when this script is killed, the next build waits for what is left of this one.
        """
        with open(self.log, "a", encoding="utf-8") as log:
            print("+", *command, file=log, flush=True)
            result = subprocess.run(command, cwd=folder, env=dict(self._environment(), **extra),
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False,
                                    pass_fds=(self.lock,))
        if result.returncode != 0:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                tail = "".join(line[:300].rstrip("\n") + "\n" for line in log.readlines()[-40:])
            raise BuildError(f"port {self.recipe.name}: {os.path.basename(command[0])} exited with "
                             f"{result.returncode}; the end of {os.path.relpath(self.log)}:\n{tail}")


def plan(names):
    """Builders for @names and all that they depend on, in build order, and what their tests need."""
    ready, order, path = {}, [], []

    def visit(name):
        if name in ready:
            return ready[name]
        if name in path:
            raise BuildError("ports depend on each other in a circle: " + " -> ".join(path + [name]))
        path.append(name)
        recipe = recipes.load(name)
        builder = Builder(recipe, [visit(other) for other in recipe.depends])
        path.pop()
        ready[name] = builder
        order.append(builder)
        return builder

    for name in names:
        visit(name)
        for other in recipes.load(name).needs:
            visit(other)
    return order


def ensure_toolchain(builders):
    """The compiler is made from the port musl, by a run of toolchain/build of its own."""
    if any(builder.recipe.toolchain == "target" for builder in builders):
        with contextlib.suppress(KeyError):
            del os.environ["MAKEFLAGS"]
        if subprocess.run([os.path.join(ROOT, "toolchain", "build")], check=False).returncode != 0:
            raise BuildError("the toolchain could not be built")
