name=world
cat <<END
Hello $name $((6 * 7)) $(echo nested)
	tab kept
END
cat <<'END'
$name is not $(expanded)
END
cat <<-END
	leading tab gone
	END
while read -r a b; do echo "$b-$a"; done <<END
1 one
2 two
END
cat <<ONE; cat <<TWO
first
ONE
second
TWO
awk -v n=3 'BEGIN { while (n--) print "awk", n }' </dev/null
big=$(seq 1 20000); cat <<END | tail -n 1
$big
END
