# SPDX-License-Identifier: MIT
# Each of upstream's pages with an expected result, formatted as upstream's own test does.
cd /usr/share/doc/mandoc/regress || exit 1
good=0 bad=0
for expected in $(find . -name '*.out_ascii' | sort); do
	page=${expected%.out_ascii}.in
	[ -e "$page" ] || continue
	if (cd "${page%/*}" && mandoc -I os=OpenBSD -T ascii "${page##*/}" 2> /dev/null) | cmp -s - "$expected"; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		echo "differs: $page"
	fi
done
echo "regress: $good pages as expected"
[ $bad = 0 ]
