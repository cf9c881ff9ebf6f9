# procps: memory and load of the system, mappings of a process. Of most figures only that they are there, and what holds between them.
export PATH=$PATH:/sbin:/usr/sbin
shape() { sed -E 's/[0-9]+([.][0-9]+)?/N/g; s/ +/ /g; s/ $//'; }
free | shape; free -h -w -t | sed -E 's/[0-9.]+[BKMG]i?/N/g; s/ +/ /g'; free -m -l | shape; free -s 0.1 -c 2 | grep -c Mem
free -b | gawk '/^Mem/ { print ($2 >= $4), ($2 >= $7), ($7 >= $4 / 2), ($2 > 400000000), ($3 < $2), ($5 <= $6) }'
vmstat | shape; vmstat 1 2 | shape | tail -n 1; vmstat -a | shape | sed -n 2p; vmstat -t | shape | sed -n 2p; for o in -w -s -f -d -D; do vmstat $o | shape; done
vmstat -m | head -n 1; vmstat -p sda 2>&1; echo $?
vmstat | tail -n 1 | gawk '{ s = $13 + $14 + $15 + $16 + $17; print (s >= 98 && s <= 102), ($4 > 100000), ($6 > 1000) }'
uptime | sed -E 's/.*(load)/\1/' | shape; uptime -s | shape; uptime -p | sed 's/[0-9].*//'; [ $(($(date +%s) - $(date -d "$(uptime -s)" +%s))) -lt 4000 ] && echo just booted
w | sed 1d; w -h root; echo $?; slabtop -o | head -n 6 | shape | sed 's/N[KM]/N/g' | cut -d: -f1; slabtop -o -s o | sed -n 7p
# The mappings: kinds and names; sums; what is resident of them is no more than there is.
pmap $$ | sed -E '1d; s/^[0-9a-f]{16} +[0-9]+K//' | sort -u | grep -v total; pmap $$ | gawk 'NR > 1 && $1 != "total" { sum += $2 } $1 == "total" { print (sum "K" == $2) }'
pmap -x $$ | sed -n '2p;$p' | shape
pmap -x $$ | gawk '$1 ~ /^[0-9a-f]{16}$/ { size += $2; rss += $3; dirty += $4; if ($3 > $2 || $4 > $3) print "more than there is:", $0; if ($6 == "bash") text += $3 }
	/^total/ { print (size == $3), (rss == $4), (dirty > 0), (text > 300) }'
pmap -X $$ | sed 1d | gawk 'NR == 1 { for (i = 1; i <= NF; i++) place[$i] = i; print $1, $2, $3, $4, $5, $6, "Rss" in place, "Pss" in place, "Anonymous" in place }
	NR > 1 && $2 ~ /^[r-]/ { print $2, $NF ~ /[a-z]/ ? $NF : ""; if ($place["Pss"] > $place["Rss"] || $place["Rss"] > $place["Size"]) print "more than there is:", $0 }' | sort -u
pmap -d $$ | tail -n 1 | shape; pmap -q $$ > quiet; grep -q bash quiet && echo quiet; pmap 99999; echo $?
sysctl -n vm.overcommit_memory; sysctl kernel.nothing; echo $?; sysctl -a 2> /dev/null | grep -c '^kernel.osrelease = '
# 8 MB more are seen by all of them.
bash -c 'x=$(printf %08000000d 1); pmap -x $$ | gawk "/^total/ { print (\$4 > 8000) }"; ps -o rss= -p $$ | gawk "{ print (\$1 > 8000) }"
	gawk "/^VmRSS/ { print (\$2 > 8000) }" /proc/$$/status; gawk "{ print (\$2 > 2000), (\$1 > \$2) }" /proc/$$/statm'
