# SPDX-License-Identifier: MIT
#
# What programs need to use RaeenOS's own calls; included by each Makefile that builds some. It needs BUILD and TOOL (the prefix of the tools).
#
#   RAEEN_CFLAGS      finds <raeen/*.h> and "proto/*.h"
#   RAEEN_HEADERS     the generated ones, which must exist before anything is compiled
#   LIBRAEEN          the library
#   PROTO_SERVERS     the generated C files of the servers' side
#   SYSROOT_RAEEN     the library and its headers in the sysroot, for programs that are built elsewhere

RAEEN_DIR := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
SRC_DIR := $(RAEEN_DIR)/../../..
ABI_DIR := $(SRC_DIR)/kernel/abi
PROTO_DIR := $(SRC_DIR)/servers/proto

# <raeen/caps.h>.
include $(RAEEN_DIR)/../../abi.mk

RAEEN_CFLAGS := -I$(BUILD)/abi -I$(ABI_DIR) -I$(RAEEN_DIR)/.. -I$(BUILD)/generated

PROTO_DEFINITIONS := $(sort $(wildcard $(PROTO_DIR)/*.def))
PROTO_NAMES := $(basename $(notdir $(PROTO_DEFINITIONS)))
PROTO_OUT := $(BUILD)/generated/proto
PROTO_SERVERS := $(PROTO_NAMES:%=$(PROTO_OUT)/%_server.c)
RAEEN_HEADERS := $(BUILD)/abi/raeen/stamp $(PROTO_OUT)/stamp $(ABI_HEADERS)
LIBRAEEN := $(BUILD)/libraeen/libraeen.a
RAEEN_SOURCES := $(filter-out %_hosttest.c,$(wildcard $(RAEEN_DIR)/*.c))

# The stamps, because a generator leaves alone what has not changed.
$(BUILD)/abi/raeen/stamp: $(ABI_DIR)/syscalls.def $(ABI_DIR)/gen-stubs.py $(wildcard $(ABI_DIR)/raeen/*.h)
	@$(ABI_DIR)/gen-stubs.py $(ABI_DIR)/syscalls.def $(BUILD)/abi/raeen
	@touch $@

$(PROTO_OUT)/stamp: $(PROTO_DEFINITIONS) $(wildcard $(PROTO_DIR)/*.py $(ABI_DIR)/caps.def)
	@$(PROTO_DIR)/gen-proto.py $(ABI_DIR)/caps.def $(PROTO_OUT) $(PROTO_DEFINITIONS)
	@touch $@

$(PROTO_SERVERS): $(PROTO_OUT)/stamp ;

$(BUILD)/libraeen/%.o: $(RAEEN_DIR)/%.c $(wildcard $(RAEEN_DIR)/*.h $(ABI_DIR)/raeen/*.h) $(RAEEN_HEADERS) $(wildcard $(TOOL)gcc)
	@mkdir -p $(@D)
	@echo "  CC      libraeen/$(<F)"
	$(Q)$(TOOL)gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -fPIC -ffunction-sections -fdata-sections $(RAEEN_CFLAGS) -c -o $@ $<

$(LIBRAEEN): $(RAEEN_SOURCES:$(RAEEN_DIR)/%.c=$(BUILD)/libraeen/%.o)
	@rm -f $@
	$(Q)$(TOOL)ar rcs $@ $^

# The whole folder of headers at once: a program may include any.
SYSROOT_RAEEN := $(BUILD)/sysroot/usr/lib/libraeen.a
$(SYSROOT_RAEEN): $(LIBRAEEN)
	@mkdir -p $(BUILD)/sysroot/usr/include/raeen
	$(Q)cp $(ABI_DIR)/raeen/*.h $(BUILD)/abi/raeen/*.h $(RAEEN_DIR)/*.h $(BUILD)/sysroot/usr/include/raeen/
	$(Q)cp $< $@
