# SPDX-License-Identifier: MIT
# The capability bits as the kernel's <raeen/caps.h>. Included by src/kernel/Makefile.
$(GEN)/raeen/caps.h: abi/caps.def abi/gen-caps.py
	@mkdir -p $(@D)
	$(Q)./abi/gen-caps.py abi/caps.def kernel > $@.tmp
	$(Q)mv $@.tmp $@

GENERATED_HEADERS += $(GEN)/raeen/caps.h
