# SPDX-License-Identifier: MIT
# Each program by itself, without upstream's makefile, which cannot build out of tree and goes on after failures. What does not
# build is in the file not-built with the compiler's words: the test suite wants that list to be the one it knows.
# ci/tests/posix_run.py calls this too, with glibc's compiler and for some programs only (ONLY, a regular expression).
#
# Left out: conformance/definitions, which is about headers only, stress/, and the scripts that only say that another test covers theirs.

cd "$SRC"
export PRELUDE="$PORT/prelude.h" OBJ
cat > "$OBJ/compile" <<'EOF'
# What a call to an undeclared function returns is cut to an int: that is a failure of the build, not of the system.
program="$OBJ/tree/${1%.c}.test"
mkdir -p "${program%/*}"
flags="$CFLAGS -std=gnu99 -w -s -D_GNU_SOURCE -Iinclude -Werror=implicit-function-declaration"
$CC $flags -include "$PRELUDE" "$1" -o "$program" -lm 2> "$program.log" ||
	$CC $flags "$1" -o "$program" -lm 2> /dev/null || { echo "$1"; exit 0; }
rm "$program.log"
EOF
find conformance/interfaces conformance/behavior -name '[0-9]*-*.c' | grep "${ONLY:-.}" | LC_ALL=C sort > "$OBJ/sources"
# Without main, for the compiler only; so are programs that have none where an option of POSIX is not there (sporadic servers).
xargs grep -L 'main *(' < "$OBJ/sources" > "$OBJ/no-main" || true
grep -vxFf "$OBJ/no-main" "$OBJ/sources" | xargs -n 1 -P "$JOBS" sh -eu "$OBJ/compile" | LC_ALL=C sort > "$OBJ/failed"

tree="$STAGE/usr/lib/posixtestsuite"
mkdir -p "$tree"
while read -r source; do
	why=$(grep -om 1 'undefined reference to .*\|error: .*' "$OBJ/tree/${source%.c}.test.log")
	rm "$OBJ/tree/${source%.c}.test.log"
	case $why in *"\`main'") ;; *) echo "${source%.c}: $why" ;; esac
done < "$OBJ/failed" > "$tree/not-built"
cp -R "$OBJ/tree/conformance" "$tree/"
# Scripts that run a program with different arguments.
find conformance/interfaces -name '[0-9]*-*.sh' | grep "${ONLY:-.}" | xargs -r grep -l '^conformance/.*\.test' | while read -r script; do
	cp "$script" "$tree/$script"
done

cd "$tree"
find conformance ! -name '*buildonly*' -type f | sed 's/\.test$//' | LC_ALL=C sort > tests
