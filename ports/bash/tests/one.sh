# SPDX-License-Identifier: MIT
# one.sh NAME SECONDS: runs upstream's tests/run-NAME, which compares what a script prints with a file, at a terminal, which some want. Exits with 0 when
# they are alike; prints how they differ.
cd /usr/share/doc/bash/tests || exit 99
unset BASH_ENV SHELLOPTS
export THIS_SH=/bin/bash BUILD_DIR=/usr/share/doc/bash TMPDIR=/tmp BASH_TSTOUT=/tmp/bash-test PATH="$PWD:$PATH" LC_ALL=C TERM=dumb
rm -f /tmp/bash-test /tmp/bash-output /tmp/bash-status
script -qc "timeout -s KILL $2 sh ./run-$1 > /tmp/bash-output 2>&1; echo \$? > /tmp/bash-status" /dev/null > /dev/null < /dev/null
read -r status < /tmp/bash-status || status=99
cat /tmp/bash-output
# Some compare more than once: the last one's status does not tell.
grep -q '^@@\|^Binary files\|^diff: ' /tmp/bash-output && [ "$status" = 0 ] && status=1
exit "$status"
