# SPDX-License-Identifier: MIT
#
# Builds each folder of C files named in PROGRAMS (relative to the including Makefile) into a static-pie program of the
# folder's name, stripped, at $(BUILD)/userland/stage/sbin/NAME. A file "install" in the folder names another target
# folder, such as /bin. LIBRARIES names C files that every program may use, LIBRARY_OBJECTS more of them with rules of their own; only what it
# needs is linked. libraeen and what is generated of the kernel's calls and of protocols (lib/raeen/raeen.mk) is there for all. Folders test/NAME
# become programs for tests, $(BUILD)/tests/tests/NAME-service, made by the target "tests".
# V=1 shows the commands.
#
# *_hosttest.c are host unit tests, each a program of its own; the line "/* LINK: a.c b.c */" in one names the sources
# tested, relative to the including Makefile. They run under ASan and UBSan.

BUILD ?= ../../build
OUT = $(BUILD)/$(PART)/obj
STAGE = $(BUILD)/userland/stage
TOOL = $(BUILD)/toolchain/bin/x86_64-raeen-linux-musl-
# Beside the compiler driver itself, a change of the library or of the specs must rebuild.
TOOLCHAIN = $(wildcard $(TOOL)gcc $(BUILD)/toolchain/stamp)

WARNINGS = -Wall -Wextra -Werror
CFLAGS = -std=gnu11 -O2 -g $(WARNINGS) -D_GNU_SOURCE -fstack-protector-strong -ffunction-sections -fdata-sections
LDFLAGS = -static-pie -Wl,--gc-sections
HOSTCFLAGS = -std=gnu11 -O1 -g $(WARNINGS) -D_GNU_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all

Q = $(if $(V),,@)

all:

include $(dir $(lastword $(MAKEFILE_LIST)))lib/raeen/raeen.mk
CFLAGS += $(RAEEN_CFLAGS)
HOSTCFLAGS += $(RAEEN_CFLAGS)

# $(call sources,FOLDER)
sources = $(filter-out %_hosttest.c %_fuzz.c,$(wildcard $(1)/*.c))
# $(call target,FOLDER)
target = $(if $(filter test/%,$(1)),$(BUILD)/tests/tests/$(notdir $(1))-service,$(call stage_target,$(1)))
stage_target = $(STAGE)$(or $(shell cat $(1)/install 2>/dev/null),/sbin)/$(notdir $(1))

LIBRARY = $(if $(LIBRARIES),$(OUT)/lib.a)

$(OUT)/%.o: %.c $(TOOLCHAIN) | $(RAEEN_HEADERS)
	@mkdir -p $(@D)
	@echo "  CC      $(PART)/$<"
	$(Q)$(TOOL)gcc $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/lib.a: $(LIBRARIES:%.c=$(OUT)/%.o) $(LIBRARY_OBJECTS)
	@rm -f $@
	$(Q)$(TOOL)ar rcs $@ $^

define program
$(if $(filter test/%,$(1)),tests,all): $(call target,$(1))
$(OUT)/$(1)/program: $(patsubst %.c,$(OUT)/%.o,$(call sources,$(1))) $(LIBRARY) $(LIBRAEEN)
	@echo "  LINK    $(PART)/$(1)"
	$$(Q)$(TOOL)gcc $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^
$(call target,$(1)): $(OUT)/$(1)/program
	@mkdir -p $$(@D)
	$$(Q)$(TOOL)strip -o $$@.new $$<
	@mv $$@.new $$@
endef
$(foreach folder,$(PROGRAMS),$(eval $(call program,$(folder))))

HOSTTESTS = $(wildcard *_hosttest.c */*_hosttest.c */*/*_hosttest.c */*/*/*_hosttest.c)

define hosttest
hosttest: $(OUT)/$(1).passed
$(OUT)/$(1): $(RAEEN_HEADERS) $(1).c $(shell sed -n 's,^/\* LINK: \(.*\) \*/$$,\1,p' $(1).c)
	@mkdir -p $$(@D)
	@echo "  HOSTCC  $(PART)/$(1)"
	$$(Q)$$(CC) $$(HOSTCFLAGS) -o $$@ $$(filter %.c,$$^)
$(OUT)/$(1).passed: $(OUT)/$(1)
	$$(Q)$$<
	@touch $$@
endef
$(foreach test,$(basename $(HOSTTESTS)),$(eval $(call hosttest,$(test))))
# A header has no rule of its own here: tests are few, small, and are built again when any header changes.
$(foreach test,$(basename $(HOSTTESTS)),$(eval $(OUT)/$(test): $(wildcard *.h */*.h */*/*.h */*/*/*.h)))

hosttest:

.PHONY: all tests hosttest clean
.DELETE_ON_ERROR:

-include $(foreach folder,$(PROGRAMS),$(patsubst %.c,$(OUT)/%.d,$(call sources,$(folder)))) $(LIBRARIES:%.c=$(OUT)/%.d)
