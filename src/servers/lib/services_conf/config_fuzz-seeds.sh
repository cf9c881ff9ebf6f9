#!/bin/sh
# SPDX-License-Identifier: MIT
# config_fuzz-seeds.sh FOLDER: the real services.conf, one with every key, one at the parser's limits.
set -eu
cp "$(dirname "$0")/../../../../root/etc/services.conf" "$1/real"
cat > "$1/all-keys" <<END
service ahci {
    exec      /sbin/drivers/ahci a b
    match     pci class=01 subclass=06 progif=01
    caps      HW_DISK IPC_SEND IPC_RECV
    class     real-time        cpus 0,2-3
    watchdog  2s
    restart   always backoff=10ms..5s give-up=20/min
}
service ext2 { # comment
    exec      /sbin/fs/ext2 --device LABEL=raeen --mount /
    after     ahci net
    port      fs.root persistent replay
    console   ttyS0
    user      raeen
    restart   never
    view      ro:/etc rw:/var/lib/x
    ports     block net
    memory    64MiB
    files     32
    state     4KiB
    pinned
}
service net {
    exec      /sbin/net
    after     ext2
}
END
# At the limits: words of a line, services.
{
	echo "service words {"
	echo "exec /x $(seq -s ' ' 45)"
	echo "}"
	for i in $(seq 63); do printf 'service s%s {\nexec /x\nafter words\n}\n' "$i"; done
} > "$1/limits"
