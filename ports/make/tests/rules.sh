# SPDX-License-Identifier: MIT
# Rules, variables, functions, and what is made again when a file's time changes.
. "$TESTS/../check.sh"

cat > Makefile <<'EOF'
parts := $(patsubst %.in,%.out,$(sort $(wildcard *.in)))
export SHOUT = loud
define both
$(1)-$(2)
endef
all: result
result: $(parts)
	@cat $^ > $@; echo made $@ from $(words $^)
%.out: %.in
	@tr a-z A-Z < $< > $@; echo made $@
functions:
	@echo '$(call both,a,b) $(foreach x,1 2 3,<$(x)>) $(subst b,B,abba) $(shell echo $$((6 * 7))) $(notdir /a/b/c.d) $(if ,x,y)'
environment:
	@echo $$SHOUT $(MAKELEVEL) $(FROM)
failing:
	@false
	@echo not reached
ignoring:
	-@false
	@echo reached
missing: nothing.here
inner:
	@$(MAKE) --no-print-directory environment
.PHONY: all functions environment failing ignoring inner
EOF
echo one > a.in
echo two > b.in
is first "$(make 2>&1)" "made a.out
made b.out
made result from 2"
is contents "$(cat result)" "ONE
TWO"
is current "$(make 2>&1)" "make: Nothing to be done for 'all'."
touch -d '2001-01-01' a.out a.in b.out b.in
is times "$(make -q; echo $?)" 0
touch b.in
is older "$(make 2>&1)" "made b.out
made result from 2"
# Times are compared to the nanosecond.
echo three > a.in
is nanoseconds "$(make 2>&1 | head -n 1)" "made a.out"
is said "$(make -n -B result 2>&1 | grep -c tr)" 2
is functions "$(make functions)" "a-b <1> <2> <3> aBBa 42 c.d y"
is variables "$(FROM=shell make environment)" "loud 0 shell"
is override "$(FROM=shell make environment FROM=line)" "loud 0 line"
is recursive "$(make inner)" "loud 1"
is failing "$(make failing 2>&1; echo $?)" "make: *** [Makefile:16: failing] Error 1
2"
is ignoring "$(make ignoring 2>&1)" "make: [Makefile:19: ignoring] Error 1 (ignored)
reached"
is missing "$(make missing 2>&1; echo $?)" "make: *** No rule to make target 'nothing.here', needed by 'missing'.  Stop.
2"
is goes-on "$(make -k failing ignoring 2>&1 | grep -c '^reached')" 1

# What is interrupted is deleted.
printf 'slow:\n\t@echo half > $@; kill -INT $$PPID; sleep 5\n' > interrupted.mk
is interrupted "$(make -f interrupted.mk 2>&1 | grep -c 'Deleting file'; ls slow 2>/dev/null)" 1

# Includes that are made first, archives as targets, a makefile on standard input.
printf 'include made.mk\nmade.mk:\n\t@echo "answer = 42" > $@\nall: ; @echo $(answer)\n' > include.mk
is include "$(make -f include.mk all 2>/dev/null | tail -n 1)" 42
is stdin "$(printf 'x: ; @echo from stdin\n' | make -f -)" "from stdin"
finish rules
