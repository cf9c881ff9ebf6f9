# SPDX-License-Identifier: MIT
# Read by tests of ports (. "$TESTS/../check.sh"): a folder of its own for each, is(), and what is said at the end.
checks=0 failed=0
folder=$(mktemp -d) && cd "$folder" || exit 1
trap 'cd / && rm -rf "$folder"' EXIT

is() { # is NAME ACTUAL EXPECTED
	checks=$((checks + 1))
	[ "$2" = "$3" ] && return
	failed=$((failed + 1))
	printf 'FAILED %s: is <%s>, expected <%s>\n' "$1" "$2" "$3"
}

finish() { # finish NAME
	[ $failed = 0 ] && echo "$1: $checks checks passed"
	[ $failed = 0 ]
}
