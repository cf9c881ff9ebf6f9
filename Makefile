# SPDX-License-Identifier: MIT
#
# RaeenOS: builds everything below build/ and runs it. "make help" lists the targets.
#
# The parts have Makefiles of their own (src/kernel, src/servers, src/userland) and scripts (toolchain, ports, grub), each
# of which does nothing when its inputs have not changed. This file says in which order they are called, and with what.

BUILD := $(abspath build)
export BUILD

# How much room the live system's disk has besides its image (make iso ROOT_FREE=1G); empty: what the kernel takes, 256M.
ROOT_FREE :=

# Parts of the kernel that can be left out (src/kernel/README.md, "Switches"): make iso UNIX_SOCKETS=no INOTIFY=no
SWITCHES := UNIX_SOCKETS INOTIFY RSEQ PTRACE CORE_FILES CRASH_DUMP AIO
$(foreach switch,$(SWITCHES),$(eval $(switch) ?= yes))
export $(SWITCHES)

# What "make run" starts: make run SMP=4 MEM=1G KVM=no CPU=qemu64 MACHINE=pc UEFI=yes APPEND="loglevel=7"
SMP := 2
MEM := 512M
CPU := max
KVM := auto
MACHINE := q35
UEFI := no
APPEND :=
QEMU_ARGS :=

# The screen of "make run-bochs", which takes CPU (one that "bochs --help cpu" lists) and MEM too.
SCREEN := $(if $(DISPLAY),x,none)

# Ports that go into the image.
PORTS := musl busybox mandoc

# Behind x86_64-raeen-linux-musl-gcc: "host", the distribution's GCC, or the folder of a full one (make toolchain), which
# then compiles all but the C library: make COMPILER=build/cross BUILD=$PWD/build/with-cross iso
COMPILER := host
export COMPILER
CROSS_TOOL = $(if $(filter-out host,$(COMPILER)),$(1)=$(abspath $(COMPILER))/bin/x86_64-raeen-linux-musl-$(2))

# Tests that run side by side, each with a virtual machine of its own. More than there are cores, as guests often wait.
TEST_JOBS := 3
PYTEST = /usr/bin/python3 -m pytest -p no:cacheprovider -n $(TEST_JOBS) -q --durations=5

# How many times the usual number of runs each fuzz target makes.
FUZZ := 1

# A misspelt value would quietly mean "no", or another compiler.
$(if $(filter host,$(COMPILER)),,$(if $(wildcard $(COMPILER)/bin/x86_64-raeen-linux-musl-gcc),,\
	$(error COMPILER=$(COMPILER): expected host, or a folder with a full toolchain (make toolchain))))
$(if $(filter yes no auto,$(KVM)),,$(error KVM=$(KVM): expected auto, yes or no))
$(foreach switch,$(SWITCHES),$(if $(filter yes no,$($(switch))),,$(error $(switch)=$($(switch)): expected yes or no)))
$(if $(filter yes no,$(UEFI)),,$(error UEFI=$(UEFI): expected yes or no))

# The parts use all cores, unless the caller has said how many.
SUBMAKE = $(MAKE) $(if $(V),,-s) --no-print-directory BUILD=$(BUILD) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
STAGE := $(BUILD)/userland/stage
IMAGE := $(BUILD)/root.ext2
KERNEL := $(BUILD)/kernel/kernel.elf
SELF_TEST_KERNEL := $(BUILD)/kernel/kernel-selftest.elf
ISO := $(BUILD)/raeen.iso

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps uapi compiler toolchain kernel userland ports ports-fresh image iso debug-iso run run-bochs debug host-test fuzz host-tests-alone test-programs test test-full controls lint bench abi-table \
	clean distclean

help: ## list the targets
	@echo "RaeenOS. Targets:"
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/  \1	\2/p' $(MAKEFILE_LIST) | sed 's/%/NAME/' | expand -t 14
	@echo "Options of run: SMP=$(SMP) MEM=$(MEM) CPU=$(CPU) KVM=$(KVM) MACHINE=$(MACHINE) UEFI=$(UEFI) APPEND=\"...\" QEMU_ARGS=\"...\""

deps: ## install what is missing on this machine (Debian packages, says which and why)
	@toolchain/deps

uapi: deps
	@toolchain/build uapi

compiler: deps ## build the compiler driver x86_64-raeen-linux-musl-gcc and its sysroot
	@toolchain/build

toolchain: deps ## build a full binutils and GCC into build/cross, once; takes long, and nothing else needs it
	@toolchain/cross

kernel: uapi ## build build/kernel/kernel.elf, and kernel-selftest.elf beside it
	@+$(SUBMAKE) -C src/kernel $(call CROSS_TOOL,CC,gcc) $(call CROSS_TOOL,LD,ld) all

userland: compiler ## build our own programs and servers
	@+$(SUBMAKE) -C src/userland all
	@+$(SUBMAKE) -C src/servers all

ports: compiler ## build the ports that go into the image
	@ports/build $(PORTS)

# In build/fresh, beside what is there; some minutes for each of the larger ones.
ports-fresh: deps ## build all ports from nothing, compiler too, and say what failed
	@ports/build --fresh --all

port-%: compiler ## build one port
	@ports/build $*

image: userland ports ## build build/root.ext2, the root file system
	@mkdir -p $(STAGE)
	@toolchain/make-image $(IMAGE) root $(STAGE) $(PORTS:%=port:%)

iso: kernel image ## build build/raeen.iso (CD and disk, BIOS and UEFI)
	@$(MAKE) -s --no-print-directory $(ISO)

# Touched when the options are others than last time.
ISO_OPTIONS := $(BUILD)/iso-options
$(shell mkdir -p $(BUILD); test "$$(cat $(ISO_OPTIONS) 2>/dev/null)" = "$(ROOT_FREE)" -a -e $(ISO_OPTIONS) || echo "$(ROOT_FREE)" > $(ISO_OPTIONS))

$(ISO): $(KERNEL) $(SELF_TEST_KERNEL) $(IMAGE) grub/grub.cfg grub/make-iso $(ISO_OPTIONS)
	@ROOT_FREE=$(ROOT_FREE) grub/make-iso $@ $(KERNEL:.elf=.boot) $(IMAGE) $(SELF_TEST_KERNEL:.elf=.boot)
	@echo "iso: build/raeen.iso"

# KVM=auto takes hardware virtualisation where the CPU has it and this user may. A /dev/kvm without it (a hypervisor in
# software) is slower than QEMU's own translation, and lacks instructions.
HAVE_KVM = $(shell grep -qwE 'vmx|svm' /proc/cpuinfo && test -w /dev/kvm && echo yes)
ACCEL = $(if $(filter yes,$(if $(filter auto,$(KVM)),$(HAVE_KVM),$(KVM))),kvm,tcg)
VM = ci/vm --smp $(SMP) --mem $(MEM) --cpu $(CPU) --machine $(MACHINE) --accel $(ACCEL) $(if $(filter yes,$(UEFI)),--uefi) \
	$(if $(APPEND),--append "$(APPEND)") $(if $(QEMU_ARGS),--qemu "$(QEMU_ARGS)")

# The same system with a kernel that checks its memory accesses and its arithmetic (src/kernel/debug/README.md).
DEBUG_KERNEL := $(BUILD)/kernel-debug/kernel.elf
DEBUG_ISO := $(BUILD)/raeen-debug.iso

debug-iso: uapi image ## build build/raeen-debug.iso: the kernel with its run-time checks
	@+$(SUBMAKE) -C src/kernel KERNEL_DEBUG=yes all
	@$(MAKE) -s --no-print-directory $(DEBUG_ISO)

$(DEBUG_ISO): $(DEBUG_KERNEL) $(IMAGE) grub/grub.cfg grub/make-iso $(ISO_OPTIONS)
	@ROOT_FREE=$(ROOT_FREE) grub/make-iso $@ $(DEBUG_KERNEL:.elf=.boot) $(IMAGE)
	@echo "debug-iso: build/raeen-debug.iso"

run: iso ## boot in QEMU: a window where there is a display, else the serial console (Ctrl-A X ends it)
ifneq ($(DISPLAY)$(WAYLAND_DISPLAY),)
	@toolchain/run-window --smp $(SMP) --mem $(MEM) --cpu $(CPU) --machine $(MACHINE) --accel $(ACCEL) --uefi $(UEFI) \
		--append "$(APPEND)" -- $(QEMU_ARGS)
else
	@$(VM)
endif

run-bochs: iso ## boot in Bochs, another emulator: SCREEN=none (serial console), text, or x (a window) (Ctrl-A X ends it)
	@toolchain/deps bochs
	@toolchain/run-bochs --screen $(SCREEN) --mem $(MEM) $(if $(filter-out max,$(CPU)),--cpu $(CPU))

debug: iso ## boot in QEMU, stopped, with gdb attached
	@toolchain/debug $(VM)

define HOST_TESTS
	@echo "== host: toolchain/test"
	@toolchain/test
	@echo "== host: ports/test"
	@ports/test
	@echo "== host: grub/test"
	@grub/test
	@echo "== host: make -C src/kernel hosttest"
	@+$(SUBMAKE) -C src/kernel hosttest
	@echo "== host: make -C src/servers hosttest"
	@+$(SUBMAKE) -C src/servers hosttest
	@echo "== host: make -C src/userland hosttest"
	@+$(SUBMAKE) -C src/userland hosttest
endef
define FUZZ_TESTS
	@echo "== host: toolchain/fuzz"
	@toolchain/fuzz $(FUZZ)
endef

host-test: deps compiler
	$(HOST_TESTS)

fuzz: deps image ## run the fuzz targets; FUZZ=N for N times as long
	$(FUZZ_TESTS)

# Both without what they depend on: beside the guests nothing may be built that these use.
host-tests-alone:
	$(HOST_TESTS)
	$(FUZZ_TESTS)

# The host's tests run beside the guests and take what these leave of the cores, though a little at least: some have time limits. What they say is shown
# when both have ended, unless that would only hide what the guests' say.
define GUEST_TESTS
	@echo "== guest: pytest ci/tests (beside it the host's tests: build/host-tests.log)"
	@nice -n 5 $(MAKE) -s --no-print-directory FUZZ=$(FUZZ) host-tests-alone > $(BUILD)/host-tests.log 2>&1 & host=$$!; \
		trap 'kill $$host; exit 1' INT TERM; \
		$(PYTEST) $(1) ci/tests; guests=$$?; \
		wait $$host; host=$$?; \
		[ $$host = 0 ] && [ $$guests != 0 ] || cat $(BUILD)/host-tests.log; \
		[ $$host = 0 ] || echo "== the host's tests FAILED"; [ $$guests = 0 ] || echo "== the guests' tests FAILED"; \
		[ $$host = 0 ] && [ $$guests = 0 ]
	@echo "== all tests passed"
endef

test-programs: compiler
	@+$(SUBMAKE) -C src/userland tests
	@+$(SUBMAKE) -C src/servers tests

# Ports outside the image are built here, and tried in the guest like those in it.
test: lint iso debug-iso test-programs ## run all tests: on the host, and in virtual machines (some 12 minutes on 2 cores)
	@ports/build --quick
	$(call GUEST_TESTS,-m "not full")

test-full: FUZZ := 20
# Other inputs each day; what fails tells its seed.
test-full: export FUZZ_SEED := $(shell date +%Y%m%d)
# What takes long seldom waits.
test-full: TEST_JOBS := 2
test-full: lint iso debug-iso test-programs ## the same, and what takes longer
	@ports/build --all
	@echo "== host: make -C src/servers hosttest-full"
	@+$(SUBMAKE) -C src/servers hosttest-full
	@toolchain/deps debug full
	$(call GUEST_TESTS)

# In a clone below build/, which is built the first time: ONLY="elf-* steal" for some.
controls: deps ## show that the tests can fail: break one mechanism after the other, and see the test that must notice (hours; ONLY=NAMES)
	@ci/controls/run $(ONLY)

lint: deps ## check style and what the documentation promises
	@if [ -x ci/lint ]; then ci/lint; else echo "lint: there is no ci/lint"; fi

clean: ## remove what was built (downloads are kept)
	@if [ -d "$(BUILD)" ]; then find "$(BUILD)" -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +; fi

abi-table: uapi ## print the table of Linux's system calls: which are here, what tests them, why others are not
	@src/kernel/abi/gen-abi-table.py src/kernel/abi/syscalls.def src/kernel/abi/missing_calls.def $(BUILD)/uapi/asm/unistd_64.h src/kernel src/userland/tests

# ONLY=raeen (or linux): that guest alone. LEAN=1: a third guest. CHECK=1: twice, which must give the same. RENEW=1: keeps the figures.
bench: iso ## what operations cost in guest instructions, RaeenOS and Linux (ONLY=raeen, LEAN=1, CHECK=1, RENEW=1)
	@ci/bench/run $(ONLY:%=--%) $(if $(LEAN),--lean) $(if $(CHECK),--check) $(if $(RENEW),--renew)

distclean: ## remove what was built and downloaded
	@rm -rf "$(BUILD)"
