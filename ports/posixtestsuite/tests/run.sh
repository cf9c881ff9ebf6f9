# SPDX-License-Identifier: MIT
# run.sh FILE SECONDS: runs the tests named in FILE, each in a session and a folder of its own for at most SECONDS. Of each it prints
# "= NAME MILLISECONDS", the end of its output, and ". STATUS": 0 passed, 1 failed, 2 unresolved, 4 unsupported, 5 untested, more: killed.

SUITE=/usr/lib/posixtestsuite
work=/tmp/posixtestsuite.$$

milliseconds() {
	read -r up _ < /proc/uptime
	echo $((${up%.*} * 1000 + 1${up#*.} * 10 - 1000))
}

while read -r name; do
	case $name in
	*.sh) command="sh $name"; folder=$SUITE ;;
	*) command="$SUITE/$name.test"; folder=$work/in ;;
	esac
	mkdir -p $work/in
	began=$(milliseconds)
	# The shell between makes the test a process without children's times, which it would have from timeout.
	setsid sh -c "echo \$\$ > $work/leader; cd $folder; exec timeout -s KILL $2 sh -c '$command; exit \$?'" < /dev/null > $work/output 2>&1
	status=$?
	# What the test left behind.
	kill -KILL -"$(cat $work/leader)" 2> /dev/null
	echo "= $name $(($(milliseconds) - began))"
	tail -c 500 $work/output | tr -cd '\n -~' | sed 's/^\([=.]\) /\1/'
	echo
	echo ". $status"
	rm -rf "$work"
done < "$1"
