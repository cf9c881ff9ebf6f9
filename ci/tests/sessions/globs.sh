mkdir /tmp/g.$$ && cd /tmp/g.$$ || exit 1
touch a.c b.c c.h .hidden 'with space' '[x]'; mkdir sub; touch sub/deep.c
echo *.c; echo ?.h; echo [ab].c; echo [!a]*.c; echo *; echo .h*; echo sub/*.c; echo */*
echo *.none; echo 'quoted *'; echo "*.c"; for f in *; do echo "<$f>"; done
x='*.c'; echo $x; echo "$x"; set -f; echo *.c; set +f
ls -d */ ; find . -name '*.c' | sort
rm -- *.c; echo *; test -e a.c || echo gone
cd / && rm -r /tmp/g.$$
