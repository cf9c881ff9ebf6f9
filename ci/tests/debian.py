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
# What the long sessions run besides, some of it also the short ones.
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
PACKAGES["dynamic"] |= {name: MORE[name] for name in ("sed", "gawk", "perl-base", "tar", "make", "libcrypt1", "libmpfr6", "libsigsegv2")}
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
# The compiler, and what it calls and needs to make programs in C.
GCC = {
    "gcc": "bb63b0fb2797e2a3a294dab8a02614930c557ec1f4ea96637c244b8b5f87e630",
    "gcc-12": "b46f33cc2ec245e435e043807038cecf4b201ef004800e9dfc1455240360e49d",
    "cpp": "a63db920f7aa1857a57beab185423deffb6111fa09437a99bbb4ef724fb7ba78",
    "cpp-12": "fedbb98e877adde83c983c6071537ea25ac52b277ac6e4637d85025949ca1454",
    "binutils": "83c3e20b53e1fbd84d764c3ba27d26a0376e361ae5d7fb37120196934dd87424",
    "binutils-x86-64-linux-gnu": "2d7ea8a570d768224d7f2424abbe6f373d2154865a1fa7f56c80d43ecf492521",
    "libbinutils": "fcf55b99e5f8a78f3c8ce9b6957f1024f394cf20c196b100d308a57e43547710",
    "libctf0": "3fb7b6f326be3fae4a87a3d33b9269bd06c1e4346a24bd737f265067e3b7427f",
    "libctf-nobfd0": "ef1dfcf22de41ea90ebd3d505447ccccd999e96b85aa777a1d7d981dc3b347aa",
    "libjansson4": "3fc9742f9f1a37bcb9931df6074b4d1483419ef832ad5349f47323e75fc27864",
    "libc6-dev": "0218fc2befcd784c1b0c6292c0a137ce89fad054efaa579ad083bee0f2c01aae",
    "linux-libc-dev": "e0632f8e55ec0d2d1c56f9c65a8bcb64ad5d79add297266bc89c616dfef9a7fe",
    "libgcc-12-dev": "d720259380a84f2ffc6fe516eff5cbe9c8a005138e8d6a5748747ba4b3404a82",
    "libcrypt-dev": "81ccd29130f75a9e3adabc80e61921abff42f76761e1f792fa2d1bb69af7f52f",
    "libmpc3": "d7f79544790e44f9b0c8cb9034a18c58d37f8702a15f32539050718679e52f80",
    "libisl23": "ebff0b2f8b220c74224197523019366e97ee4770d464bebc48e4865114e4da0e",
    "libstdc++6": "5cd3171216d4ab0fc911cfe9c35509bf2dd8f47761c43b7f6a4296701551a24d",
}
# What shows processes, memory and open files.
PROCPS = {
    "procps": "d9d0e75779cb79af869181f17b93c5c263a2b89cac6a0193c436160a4483ddc1",
    "lsof": "e4b15cf8d0b9051cf7957e7ab29a67ca7d21f42ea1b2b7dad1b52e65d02d1408",
    "libproc2-0": "e82ba5d01929eafb8b9954606a3c38b0332a987c2b3432388b4ee7365e54deae",
    "libncursesw6": "98fa7a53dc565a38b65fb70422ad08001bf5361d8fbc74255280c329996a6bec",
    "libsystemd0": "013c07514a9e4933b2d5c098018695a6aa42d085dbc483ce2c094a954c8a1b0a",
    "libcap2": "8d684c673e7483802a5c447834b0df6fce006eb3a7109e1be412f5ad425bb24f",
    "libgcrypt20": "e7a56552139c693904a6f9712234c05fe918353273a7cbdb5e62f423ad71bb97",
    "libgpg-error0": "89944ee11d7370ce6ef46fc52f094c4a6512eff8943ec4c6ebefeae6360ceada",
    "liblz4-1": "64cde86cef1deaf828bd60297839b59710b5cd8dc50efd4f12643caaee9389d3",
    "libtirpc3": "2a46d5a5e9486da11ffeff5740931740d6deae4f92cd6098df060dc5dff1e1c7",
    "libgssapi-krb5-2": "d8b87aea91b956b416c01a28c44ff6228315ae3b73de40acddac3dc5043607d2",
    "libkrb5-3": "c90801be09701af221b54dd502a59cb378b7284ff31e480738baca317d2f7653",
    "libk5crypto3": "7b6e47d15c5c9cdcd456137533d8308aeba608a54cec73b28bd59bfc4b54cf06",
    "libkrb5support0": "8b9c05f2d8d461a10d657b118f572af5bf8fd6c8f93dcef81e852c5ab0f428ab",
    "libcom-err2": "a2bac7015e78fbc0c504df3e441f3a22292f1d2d77f9ccda760057f3690e22f2",
    "libkeyutils1": "cfac89e6a7a54ff3c6a4f843310e25efeddaa771baeae470bd98bd588c373563",
    "libtirpc-common": "3e3ef129b4bf61513144236e15e1b4ec57fa5ae3dc8a72137abdbefb7a63af85",
    "ncurses-base": "bfd1d89f833c09a28b062ee916495cf69649ca2bf529532476c7b69d75d24909",
    "psmisc": "9d02f654bdf280a6622a9b1371f7a1fa44546702d11991e438558bc259df7b69",
}
# What shows the rest of the system: mounts, CPUs, IPC, locks, namespaces; and what sets it.
UTIL_LINUX = {
    "util-linux": "8eb241ff24b2e1ee9c0373f4fc9bc728b85bf5966c1496154df7da01c0e42f34",
    "mount": "456ed2c62f884bc1133b6969d4d1eb2e6d8581076b00b4c8d700151155270a7a",
    "bsdutils": "6cae172b006a4603e710e046c3acba8d98d36748894cbe3eeda31d415fec331e",
    "libblkid1": "5a083377f29191cafcdf0f91ec124349b4a7895b531556633a136e43c6d53943",
    "libmount1": "f46e2d6b006951825adde9757790b6609d7c66c7700f9b68f3db913eaac323c3",
    "libsmartcols1": "84088c6895fc07538fc51624899f3f71835188e0d38ebc3812097ac13da523b0",
    "libuuid1": "5fff398321da62d28a842bcbabd193d72ae21724962c029dc32b1dc6b2deaeaf",
    "libcap-ng0": "b4b54769c77e4a71c8b33aee4d600ba28a9994a1c6f60d55d4ebe7fc44882e07",
    "libudev1": "6f7e08f11c4809d2e5998c775f7b423ab5ec2ce0309494b4a2615037052245e2",
    "time": "10257c6fe888e6578550b1f20705d282dd630b76f8df0c006aec3031fefe5e23",
}
PACKAGES["gcc"] = GCC | {name: PACKAGES["dynamic-full"][name] for name in (
    "bash", "coreutils", "make", "sed", "gawk", "grep", "libacl1", "libattr1", "libc6", "libcrypt1", "libgcc-s1", "libgmp10", "libmpfr6",
    "libpcre2-8-0", "libreadline8", "libselinux1", "libsigsegv2", "libtinfo6", "zlib1g")} | {"libzstd1": STRESS_NG["libzstd1"]}
PACKAGES["procps"] = PROCPS | UTIL_LINUX | {name: PACKAGES["dynamic-full"][name] for name in (
    "bash", "coreutils", "perl-base", "sed", "gawk", "grep", "libacl1", "libattr1", "libc6", "libcrypt1", "libgcc-s1", "libgmp10", "liblzma5", "libmpfr6",
    "libpcre2-8-0", "libreadline8", "libselinux1", "libsigsegv2", "libssl3", "libtinfo6", "zlib1g")} | {"libzstd1": STRESS_NG["libzstd1"]}
# What steers and shows other programs.
PACKAGES["tracers"] = {
    "strace": "1942d086a6244a1a9643489d3b0aa604ac44b88991d6c69217a63a193671bd4f",
    "libunwind8": "7b297868682836e4c87be349f17e4a56bc287586e3576503e84a5cb5485ce925",
} | {name: PACKAGES["dynamic-full"][name] for name in (
    "bash", "coreutils", "sed", "grep", "libacl1", "libattr1", "libc6", "libgcc-s1", "libgmp10", "liblzma5", "libpcre2-8-0", "libselinux1",
    "libssl3", "libtinfo6")}
PACKAGES["htop"] = {
    "htop": "03f3b6ed16e96621add9577c92349d7000d13b2ae341faa28a3dfe7f7a0ff7d2",
    "libnl-3-200": "d1fc3e9eb8e79b4c96b0a64c3d8c9e068ae2f665cab71bd19f417ffd0453a890",
    "libnl-genl-3-200": "1f7b198f5d87659f815140ed41c1517b2fe41ba62c5b15b0bafdcc2d61801871",
} | {name: PROCPS[name] for name in ("libncursesw6", "ncurses-base")} | {name: PACKAGES["dynamic-full"][name] for name in ("libc6", "libtinfo6")}
# The debugger, and script for a terminal; most of its libraries only because its libdebuginfod could fetch from the network (libcurl).
GDB = {
    "bsdutils": "6cae172b006a4603e710e046c3acba8d98d36748894cbe3eeda31d415fec331e",
    "gdb-minimal": "4aabd8955f0fa362e0474ddd02b5bbed77489b11dae04bbe2c420a54ac27e8ce",
    "libbrotli1": "e27b3d655fa6fadd7a56f706687e94573c0af68b7d6df394a32a381a3a6c6d8b",
    "libcurl3-gnutls": "bf430ecf80f7808704e0187cddc582fd57fc98789ea356d4797651edad387ef3",
    "libdebuginfod1": "9650db2043d4e231a355940467e47dd0b4727700c2ce150010f03baaabfb0d0b",
    "libelf1": "619add379c606b3ac6c1a175853b918e6939598a83d8ebadf3bdfd50d10b3c8c",
    "libgnutls30": "30abec8c824feb1d2d7e9000a34083cccd19d139625e1b21547e3ac53b922f8e",
    "libhogweed6": "ed8185c28b2cb519744a5a462dcd720d3b332c9b88a1d0002eac06dc8550cb94",
    "libidn2-0": "d50716d5824083d667427817d506b45d3f59dc77e1ca52de000f3f62d4918afa",
    "libipt2": "d3687e2b7654a6450dbdfbadde216ce08cd84f52155f70cd7104309f897e62e5",
    "libldap-2.5-0": "4b6c30f6554149c594628d945edc6003f0eea8d0cc1341638c0e71375db147ed",
    "libnettle8": "45922e6e289ffd92f0f92d2bb9159e84236ff202d552a461bf10e5335b3f0261",
    "libnghttp2-14": "5a5736cee57e51c1baed869979e6ecdbc6495e939e33203d6cfe3b6e5a149e3f",
    "libp11-kit0": "251330faddbf013f060fcdb41f4b0c037c8a6e89ba7c09b04bfcc4e3f0807b22",
    "libpsl5": "4f0d35610204e4e754b057748719744114621f2f6f4202d846c314860a981afb",
    "librtmp1": "e1f69020dc2c466e421ec6a58406b643be8b5c382abf0f8989011c1d3df91c87",
    "libsasl2-2": "d6f20408e2be92ebd9f5e3b1c1935b075efb3f03abb5f48f7b991a0ad3e2d6a5",
    "libssh2-1": "fff72a194e493f88e100a2567e22472bb4ab828d429c2956965c6f2f134f1b3a",
    "libtasn1-6": "2c27c613b69be248d09432839ea3d3382f6ee27fabaa65987aa2d884cd00afda",
    "libunistring2": "d466bbfe011d764d793c1d9d777cad9c7cf65b938e11598f27408171ad95a951",
}
PACKAGES["debugger"] = GDB | {name: (PACKAGES["procps"] | PACKAGES["gcc"] | STRESS_NG | PACKAGES["dynamic-full"])[name] for name in (
    "bash", "coreutils", "sed", "grep", "libacl1", "libattr1", "libc6", "libcom-err2", "libexpat1", "libffi8", "libgcc-s1", "libgmp10", "libgssapi-krb5-2",
    "libk5crypto3", "libkeyutils1", "libkrb5-3", "libkrb5support0", "liblzma5", "libpcre2-8-0", "libreadline8", "libselinux1", "libssl3", "libstdc++6",
    "libtinfo6", "libxxhash0", "libzstd1", "zlib1g")}
# Database servers, with what they talk by local sockets.
SERVERS = {
    "postgresql-15": "8566850f295c2cb5034ff5dd5b40caf97eea81b75a841c8d1f691c05ab8815db",
    "postgresql-client-15": "779332f35a5adc7c97376a7bb6dd8a6a6b48f594953f01eecfaead2eab09dab1",
    "redis-server": "784e17b51024ff878fd7d709a68346658fa9b21f6de740cb75e474f28790971c",
    "redis-tools": "f791cfcbf3054832bd6e786546acb0d4e046888f8e63bcf567c1c65fbfaf69e2",
    "libatomic1": "fbd4e154a6b444229ea002cc209df099209c0adc09102e5fd21239a3d2b55e2d",
    "libaudit1": "30954df4b5a7c505661ba8ae5e6ea94f5805e408899fb400783bb166eb5ff306",
    "libicu72": "f7f6f99c6d7b025914df2447fc93e11d22c44c0c8bdd8b6f36691c9e7ddcef88",
    "libjemalloc2": "a4117c23c5c8acf6c9678a6cb086f000b79476369da7efe8a78a70826956ad3d",
    "liblzf1": "9854b0866201b63e04f1e446f45f01ef4a6f72c61f2250b75f944f6046cc7e8c",
    "libpam0g": "a06f889caf9e97ccf04dedec0905573916bc6ec3366ade2c6ef8900047fd5cc1",
    "libpq5": "ac8a72cc33453f75ac605b4f6b8f9febae303b9d9a61255a042a87a7f69ac5c7",
    "libxml2": "4460e39dda10a815881374217cde08474747cfa018358cd8612c14b390eff53b",
    "tzdata": "3254eb870c8a949518214805aee5e4276af7699988ea8b9a3a583cd0f1eab31c",
}
PACKAGES["servers"] = SERVERS | {name: (PACKAGES["procps"] | PACKAGES["debugger"] | STRESS_NG | PACKAGES["dynamic-full"])[name] for name in (
    "libc6", "libcap-ng0", "libcap2", "libcom-err2", "libffi8", "libgcc-s1", "libgcrypt20", "libgmp10", "libgnutls30", "libgpg-error0", "libgssapi-krb5-2",
    "libhogweed6", "libidn2-0", "libk5crypto3", "libkeyutils1", "libkrb5-3", "libkrb5support0", "libldap-2.5-0", "liblz4-1", "liblzma5", "libnettle8",
    "libp11-kit0", "libreadline8", "libsasl2-2", "libssl3", "libstdc++6", "libsystemd0", "libtasn1-6", "libtinfo6", "libunistring2", "libzstd1", "zlib1g")}
# All of Python, and its own tests.
PYTHON = {
    "python3.11": "4facf334e0e0830a87013852f8c3a1cfee11ad702f72f240adf9ad5b9a334e7c",
    "libpython3.11-stdlib": "10f13e000ee757f5f2d2d3569f9e30546214a0c850acd78695feae373bfa3e53",
    "libpython3.11-testsuite": "5dd0f85e950b344a51374e0ef68089e808f73c6c594c80e5232936b5c7ea4a28",
    "libdb5.3": "7dc5127b8dd0da80e992ba594954c005ae4359d839a24eb65d0d8129b5235c84",
    "libnsl2": "c0d83437fdb016cb289436f49f28a36be44b3e8f1f2498c7e3a095f709c0d6f8",
}
PACKAGES["python"] = PYTHON | {name: (PACKAGES["procps"] | PACKAGES["debugger"] | PACKAGES["dynamic-full"])[name] for name in (
    "python3.11-minimal", "libpython3.11-minimal", "libbz2-1.0", "libc6", "libcom-err2", "libcrypt1", "libexpat1", "libffi8", "libgcc-s1", "libgssapi-krb5-2",
    "libk5crypto3", "libkeyutils1", "libkrb5-3", "libkrb5support0", "liblzma5", "libncursesw6", "libreadline8", "libsqlite3-0", "libssl3", "libtinfo6",
    "libtirpc3", "libuuid1", "zlib1g")}
# Languages that bring their own idea of threads, memory and signals.
RUNTIMES = {
    "guile-3.0": "95652c86639aa2e60db71e034c7cb76d1968c7b294dfd6062edb46a75a2e10d7",
    "guile-3.0-libs": "440dd5572ec396b38e6cdf3510026d3bc558027ba5d7d3992aff66d7d3c3ad4e",
    "libgc1": "c7fecfc533d31980e93faeb9bc529dc2d393fc066100550c0e28a760a2eab72e",
    "liblcms2-2": "333efe13d165b8a98194d95e72fd10b502ebbee4dc2eb43fc2ab83e2b53e5f17",
    "libruby3.1": "16f896fdaba2eeb238171f2914f9a81a7e947e13f8ce77fcb107da4ba24c9533",
    "libtcl8.6": "976c4235b816635e1756016f3adbabb634e8b97a9f6b97cf901be099e4fd2487",
    "openjdk-17-jre-headless": "6bbc6940ce68e1faaefd6bb3495cfe018a96bde54e069697131b9b459b822293",
    "ruby3.1": "812ca8ec552917e2eceb85e505c6829fbe88f9a4ee9e6200cd52f978071ed75b",
    "tcl8.6": "4d539bdd459ea9fd5be25bf46c3c928ae5eb9cfdb5a1bf7ca25cacc596327d9d",
}
PACKAGES["runtimes"] = RUNTIMES | {name: (PACKAGES["servers"] | PACKAGES["debugger"] | STRESS_NG | PACKAGES["dynamic-full"])[name] for name in (
    "libc6", "libcrypt1", "libffi8", "libgcc-s1", "libgmp10", "libjpeg62-turbo", "libssl3", "libstdc++6", "libunistring2", "zlib1g")}
LEFT_OUT = ("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/lib/x86_64-linux-gnu/gconv")
# The debugger compares names in UTF-32.
LEFT_IN = {"debugger": {"usr/lib/x86_64-linux-gnu/gconv"}}


def overlay_of(name, sessions=()):
    """The folder with the packages of PACKAGES[@name] and the files @sessions in /opt/sessions; made when it is not what it should be."""
    packages = PACKAGES[name]
    folder = os.path.join(BUILD, "overlays", name)
    left_out = tuple(path for path in LEFT_OUT if path not in LEFT_IN.get(name, ()))
    wanted = hashlib.sha256(repr((packages, left_out)).encode()).hexdigest()
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _text(folder + ".stamp") != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            for package, digest in packages.items():
                subprocess.run([os.path.join(ROOT, "toolchain/fetch-deb"), package, digest, folder], check=True)
            for path in left_out:
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
