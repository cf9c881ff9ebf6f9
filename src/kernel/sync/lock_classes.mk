# SPDX-License-Identifier: MIT
# The lock classes, from the table in README.md. Included by src/kernel/Makefile.
$(GEN)/lock_classes.h: README.md sync/gen-lock-classes.py $(FEATURES_SEEN)
	@mkdir -p $(@D)
	$(Q)./sync/gen-lock-classes.py README.md $(GEN) $(FEATURES)

GENERATED_HEADERS += $(GEN)/lock_classes.h

# Each class of the table is used somewhere.
LOCK_USERS := $(shell find . -name '*.[ch]' ! -path './test/host*')
$(GEN)/lock_classes.used: $(GEN)/lock_classes.h $(LOCK_USERS)
	$(Q)./sync/gen-lock-classes.py README.md --used $(LOCK_USERS)
	@touch $@

all: $(GEN)/lock_classes.used
