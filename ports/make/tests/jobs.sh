# SPDX-License-Identifier: MIT
# Many jobs at once: the pipe with tokens that make and the makes below it share, and their children's ends.
. "$TESTS/../check.sh"

cat > Makefile <<'EOF'
many := $(addprefix job,$(shell seq 1 200))
all: $(many)
	@echo $(words $^) done
$(many):
	@echo $@ > $@.out
pairs: left right
left:
	@echo ready > fifo1; read answer < fifo2; echo $$answer
right:
	@read word < fifo1; echo $$word > fifo2
deep:
	@$(MAKE) --no-print-directory one two
one two:
	@$(MAKE) --no-print-directory $@-a $@-b $@-c
one-a one-b one-c two-a two-b two-c:
	@sleep 0.1; echo $@ >> log
broken: bad $(many)
bad:
	@sleep 0.1; exit 3
.PHONY: all pairs left right deep one two broken bad $(many)
EOF
is many "$(make -j 8)" "200 done"
is results "$(cat job*.out | wc -l)" 200
rm job*.out
is unlimited "$(make -j 2>&1)" "200 done"
# Only when both run at once do they end.
mkfifo fifo1 fifo2
is together "$(timeout 20 make -j 2 pairs)" ready
is deep "$(make -j 3 deep; sort log | tr '\n' ' ')" "one-a one-b one-c two-a two-b two-c "
is broken "$(make -j 4 broken > /dev/null 2>&1; echo $?)" 2
is ordered "$(printf 'all: a b\na: ; @sleep 0.2; echo a1; echo a2\nb: ; @echo b1; echo b2\n' | make -O -j 2 -f - | sort | tr '\n' ' ')" "a1 a2 b1 b2 "
finish jobs
