# SPDX-License-Identifier: MIT
# The keyboard layouts as C. Included by src/kernel/Makefile.
KEYMAP_LAYOUTS := $(addprefix drivers/ps2/keymaps/,us.def de.def fr.def)

$(GEN)/keymaps.c: $(KEYMAP_LAYOUTS) drivers/ps2/gen-keymaps.py
	@mkdir -p $(@D)
	$(Q)./drivers/ps2/gen-keymaps.py $(KEYMAP_LAYOUTS) > $@.tmp
	$(Q)mv $@.tmp $@

$(OUT)/keymaps.o: $(GEN)/keymaps.c drivers/ps2/keymap.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -c $< -o $@

OBJECTS += $(OUT)/keymaps.o
