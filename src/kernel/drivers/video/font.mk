# SPDX-License-Identifier: MIT
# The console font: Terminus from the Debian package console-setup-linux, converted at build time. Included by src/kernel/Makefile.
FONT_PACKAGE_SHA256 := 65fac4777b0d36e48d90c577ba296c9ceeb051210aa1bf405925e2bf6bc6fecd
FONT_UNPACKED := $(BUILD)/cache/console-setup-linux
FONT_FILE := $(FONT_UNPACKED)/usr/share/consolefonts/Uni2-Terminus16.psf.gz
TOOLCHAIN ?= ../../toolchain

$(FONT_FILE):
	@mkdir -p $(BUILD)/cache
	$(Q)$(TOOLCHAIN)/fetch-deb console-setup-linux $(FONT_PACKAGE_SHA256) $(FONT_UNPACKED)
	$(Q)touch $(FONT_FILE)

$(GEN)/font_data.c: $(FONT_FILE) drivers/video/psf2c.py
	@mkdir -p $(@D)
	$(Q)./drivers/video/psf2c.py --output $@.tmp font_normal=$(FONT_FILE)
	$(Q)mv $@.tmp $@

$(OUT)/font_data.o: $(GEN)/font_data.c drivers/video/font.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -c $< -o $@

OBJECTS += $(OUT)/font_data.o
