# SPDX-License-Identifier: MIT
# What the driver does: objects, libraries, preprocessing, assembly, errors; then a shared use of all by a program in several files.
. "$TESTS/../check.sh"

cat > main.c <<'EOF'
#include <stdio.h>
#include "shape.h"
int main(void)
{
	struct shape square = { 3, 4 };
	printf("%d %d %s\n", area(&square), from_assembly(20), WORD);
	return 0;
}
EOF
cat > shape.h <<'EOF'
struct shape { int width, height; };
int area(const struct shape *shape);
int from_assembly(int value);
EOF
printf '#include "shape.h"\nint area(const struct shape *s) { return s->width * s->height; }\n' > shape.c
printf '.globl from_assembly\nfrom_assembly:\n\tmov %%edi, %%eax\n\tadd $22, %%eax\n\tret\n' > assembly.s

is objects "$(tcc -c -DWORD='"word"' main.c && tcc -c shape.c && tcc -c assembly.s && tcc -o all main.o shape.o assembly.o && ./all)" "12 42 word"
is archive "$(tcc -ar rcs libshape.a shape.o assembly.o && tcc -o lib main.o -L. -lshape && ./lib)" "12 42 word"
is "at once" "$(tcc -DWORD='"once"' -o once main.c shape.c assembly.s && ./once)" "12 42 once"
is partial "$(tcc -r -o part.o shape.o assembly.o && tcc -o part main.o part.o && ./part)" "12 42 word"
is preprocessed "$(printf '#define X(a) a##1\nX(name)\n' | tcc -E -P - | tr -d '\n')" name1
is depends "$(tcc -MD -MF deps -c shape.c && tr -d '\\\n' < deps | tr -s ' ')" "shape.o: shape.c shape.h"
is stdin "$(echo 'int main(void) { return 9; }' | tcc -o nine - && ./nine; echo $?)" 9
is syntax "$(echo 'int main(void) { return x; }' | tcc -c -o no.o - 2>&1; echo $?)" "-:1: error: 'x' undeclared
1"
is unresolved "$(printf 'int nowhere(void);\nint main(void) { return nowhere(); }\n' | tcc -o no - 2>&1; echo $?)" "tcc: error: undefined symbol 'nowhere'
1"
is missing "$(tcc nosuch.c 2>&1; echo $?)" "tcc: error: file 'nosuch.c' not found
1"

# Upstream's own: each program must print what lies beside it. Left out are those that need -run, bounds checks, arguments or a second file.
plain() { sed 's/ *$//' "$@"; }
here=$PWD
for source in /usr/libexec/tcc/tests/[0-9]*.c; do
	name=${source##*/} name=${name%.c}
	case $name in
	31_args | 46_grep | 60_* | 96_* | 34_* | 73_* | 98_* | 99_* | 104_* | 112_* | 113_* | 114_* | 115_* | 116_* | *+*) continue ;;
	esac
	[ -e "${source%.c}.expect" ] || continue
	is "$name" "$( (cd "${source%/*}" && tcc -o "$here/program" "$name.c" -lm -lpthread && "$here/program") 2>&1 | plain)" "$(plain "${source%.c}.expect")"
done

finish compile
