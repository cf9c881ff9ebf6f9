# SPDX-License-Identifier: MIT
"""
Overlays of Debian packages: fetched through the machine's apt, checked against the sums here, unpacked and kept in build/.
Left out is only what no program needs to run: documentation, translations, character sets.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess

from guest import BUILD, ROOT

# The packages and, by their Depends, the libraries; what a package needs only to be configured (dpkg, debianutils) is not here.
PACKAGES = {
    "dynamic": {
        "bash": "82130bb6a560cd2a7234d8018baf73f188f5dd56413d5aa0accc987b2197a6a1",
        "coreutils": "61038f857e346e8500adf53a2a0a20859f4d3a3b51570cc876b153a2d51a3091",
        "diffutils": "8bdfedc14c1035e3750e9f055ac9c1ecd9b5d05d9e6dc6466c4e9237eef407dd",
        "grep": "3264acea728df3c48a54f20e9291b965130e306b9d00adac76647049da7196df",
        "python3-minimal": "30f9618670e686d781afbfc713eb0830c29d2819e9cb2a0488800dad6bb99faa",
        "python3.11-minimal": "b5f855ab922dfcd5d1a3223b2118c3dae13ffc7751b0cd5dc24740386323a33a",
        "libpython3.11-minimal": "69f41cfa3f4ba17284e538f843069d7529c53c207d2ae17a5b02785944870e33",
        "sqlite3": "58e59f7db8a88f87333c3f9896b98146fdf4dc33eda75a1f79d9100d1b819909",
        "libacl1": "8be9df5795114bfe90e2be3d208ef47a5edd3fc7b3e20d387a597486d444e5e2",
        "libattr1": "c4945123d66d0503ba42e2fc0585abc76d0838978c6d277b9cc37a4da25d1a34",
        "libc6": "ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf",
        "libexpat1": "cae5ded666d8573dd33060bc66fbac21eea8b101a6b56e2af8bd590fcfa65d79",
        "libgcc-s1": "3016e62cb4b7cd8038822870601f5ed131befe942774d0f745622cc77d8a88f7",
        "libgmp10": "187aedef2ed763f425c1e523753b9719677633c7eede660401739e9c893482bd",
        "libpcre2-8-0": "d2f7edfcc7689b9e0761c2742cc824ac86a20768bc5e8057818dc6875291fe76",
        "libreadline8": "e02ebbd3701cf468dbf98d6d917fbe0325e881f07fe8b316150c8d2a64486e66",
        "libselinux1": "2b07f5287b9105f40158b56e4d70cc1652dac56a408f3507b4ab3d061eed425f",
        "libsqlite3-0": "a8d78b40e9b4e422224aeebfe0e4dfc243f6acf3532490b0c05480d4283d41e2",
        "libssl3": "cb4784740daa9b3b0eaea2b444bbefa686794afbbf3d678d238c1fd9875f2efd",
        "libtinfo6": "072d908f38f51090ca28ca5afa3b46b2957dc61fe35094c0b851426859a49a51",
        "zlib1g": "d7dd1d1411fedf27f5e27650a6eff20ef294077b568f4c8c5e51466dc7c08ce4",
    },
}
# What the long sessions run besides.
MORE = {
    "gawk": "9cd63c1b35ff082092c221a23dcb167f72c4d1c3de3a42e11f16181f42ab3b55",
    "sed": "fd557efeee8aae4619c2cb7f68aadccb804322ad4a99ab048aaae5901d253885",
    "tar": "24fb92e98c2969171f81a8b589263d705f6b1670f95d121cd74c810d4605acc3",
    "gzip": "eabec1dde2834f72540d7b93fc5df2625f52611c06d93d61f5cdb12480e0e6a3",
    "xz-utils": "f99fc3fe4b4e5baecf5fd8b53853a82e1e71cb5ec187b36b0ddcf227a8961c8f",
    "perl-base": "d7d1943aec9597629bf73075efcc5ef6dc9bda96d78e80d843156ecd448478b8",
    "make": "a1a83af8cbd854af887b72ad196b1f4af58387815e21ced1000253a116a46e2a",
    "findutils": "5dd86bd0af4aa73f067dfd6b8339dd868f2dd84056aa79db29d1206d4fbc5e04",
    "bzip2": "438871b3f5c5c7a357a9840951dab9dab8db7eb1ff760a563226fafa111b99e5",
    "dash": "33ea40061da2f1a861ec46212b2b6a34f0776a049b1a3f0abce2fb8cb994258f",
    "m4": "b2dd7bfca426712416e651bb5ff6dabe7d05e4caebbac61d714dbe261b31e4c3",
    "bc": "baaa4e935c5e3bcd57d4f2f4e7a1ddc67bd4eb8629d98f97a696548849ae01ac",
    "libbz2-1.0": "54149da3f44b22d523b26b692033b84503d822cc5122fed606ea69cc83ca5aeb",
    "libcrypt1": "f5f60a5cdfd4e4eaa9438ade5078a57741a7a78d659fcb0c701204f523e8bd29",
    "liblzma5": "3d8c29c8c21ec6007635e1b2591edf98b771c9572a085968f47452b33040f384",
    "libmpfr6": "37b7a2b4e78890b6a074777f27b96c84f58e81558ba08410c2b6c0ca4a4ad77b",
    "libsigsegv2": "92336a5c47989b82ba4c778adc0ea22fc84450773f2d8428fca4448b0789cfe6",
}
PACKAGES["dynamic-full"] = PACKAGES["dynamic"] | MORE
# What works on the root file system while its server dies.
PACKAGES["root"] = {name: PACKAGES["dynamic-full"][name] for name in (
    "sqlite3", "libsqlite3-0", "libreadline8", "libtinfo6", "zlib1g", "tar", "libacl1", "libselinux1", "libpcre2-8-0", "libc6")}
# Its libraries are those that it is linked with; what it does not run here (EGL, kmod) among them.
STRESS_NG = {
    "stress-ng": "8f8e7fd65a3f836a81fbd730a6318796a6a9f159b9c6f5f12f5c56c72f6b2b42",
    "libapparmor1": "4b79f49eafc2017374da9ec206b5495433eadd2b1ea078c3895c99e72825e9d3",
    "libbsd0": "bb31cc8b40f962a85b2cec970f7f79cc704a1ae4bad24257a822055404b2c60b",
    "libmd0": "03539fd30c509e27101d13a56e52eda9062bdf1aefe337c07ab56def25a13eab",
    "libegl1": "fe4d8b39f6e6fe1a32ab1efd85893553eaa9cf3866aa668ccf355f585b37d523",
    "libglvnd0": "b6da5b153dd62d8b5e5fbe25242db1fc05c068707c365db49abda8c2427c75f8",
    "libgbm1": "4323840f2b7b3e108990848529125d99c0956ae5a854c1e0568ed08c8faeaa2e",
    "libgles2": "07b2f51b8aa3c8d6d928133cd46087bd8793d0d67c203f09fc289d45a2cf5f47",
    "libipsec-mb1": "10db5af7b2078307df81da4e81f514e4a1cc6a72078a874449d8997cad63550a",
    "libjpeg62-turbo": "95ec30140789a342add8f8371ed018924de51b539056522b66f207b25cba9cad",
    "libjudydebian1": "a370efc2f00449b6f1942910f94dcbc7d101f1d1e841e584b5b9f0cb589d1ad2",
    "libkmod2": "af63bbbfc15fbd1f254b15c393b3b95b18b18cc81348fc1b4f1c9c34b4d672d7",
    "libsctp1": "e42749da6321b526dc617480d573732180c183a84a3393e5c398eb34f0ed0ff5",
    "libxxhash0": "6c19a5d18c8350744581fbd25d5d29e2b7101053e25aafa4e1ffcc2b505b2f1c",
    "libdrm2": "be18fb670797ba32da9628cf3e8acd83160d8db8c8dd842501dd8e401c3b5371",
    "libwayland-server0": "df0396221d7b794496a687ec61fae82b6465648bc0ab6501ba0a5ed7f56eb8d6",
    "libffi8": "6d9f6c25c30efccce6d4bceaa48ea86c329a3432abb360a141f76ac223a4c34a",
    "libzstd1": "6315b5ac38b724a710fb96bf1042019398cb656718b1522279a5185ed39318fa",
}
PACKAGES["stress-ng"] = STRESS_NG | {name: PACKAGES["dynamic-full"][name] for name in (
    "libc6", "libcrypt1", "zlib1g", "libexpat1", "liblzma5", "libssl3", "libgcc-s1")}
LEFT_OUT = ("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/lib/x86_64-linux-gnu/gconv")


def overlay_of(name, sessions=()):
    """The folder with the packages of PACKAGES[@name] and the files @sessions in /opt/sessions; made when it is not what it should be."""
    packages = PACKAGES[name]
    folder = os.path.join(BUILD, "overlays", name)
    wanted = hashlib.sha256(repr((packages, LEFT_OUT)).encode()).hexdigest()
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _text(folder + ".stamp") != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            for package, digest in packages.items():
                subprocess.run([os.path.join(ROOT, "toolchain/fetch-deb"), package, digest, folder], check=True)
            for path in LEFT_OUT:
                shutil.rmtree(os.path.join(folder, path), ignore_errors=True)
            with open(folder + ".stamp", "w") as stamp:
                stamp.write(wanted)
        target = os.path.join(folder, "opt/sessions")
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(target)
        for path in sessions:
            shutil.copy(path, target)
    return folder


def _text(path):
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return None
