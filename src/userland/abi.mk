# SPDX-License-Identifier: MIT
#
# For the Makefiles of programs: the headers <raeen/*.h>, which the kernel shares with them. Those made from definitions come to lie in $(BUILD)/abi.

ABI := $(dir $(lastword $(MAKEFILE_LIST)))../kernel/abi
ABI_HEADERS := $(BUILD)/abi/raeen/caps.h
ABI_FLAGS := -I$(ABI) -I$(BUILD)/abi

$(BUILD)/abi/raeen/caps.h: $(ABI)/caps.def $(ABI)/gen-caps.py
	@mkdir -p $(@D)
	@$(ABI)/gen-caps.py $(ABI)/caps.def programs > $@.tmp && mv $@.tmp $@
