/* SPDX-License-Identifier: MIT */
/* Boot, read from top to bottom. arch/x86_64/boot.asm and early.c have brought the CPU here. */
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/early.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/smp.h"
#include "debug/checks.h"
#include "debug/crash_dump.h"
#include "debug/trace/trace.h"
#include "drivers/acpi/acpi.h"
#include "drivers/fw_cfg/fw_cfg.h"
#include "drivers/power/power.h"
#include "drivers/ps2/ps2.h"
#include "drivers/serial/serial.h"
#include "drivers/video/video.h"
#include "init/boot_info.h"
#include "init/init.h"
#include "ipc/ipc.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "process/process.h"
#include "sched/scheduler.h"
#include "security/random.h"
#include "test/selftest.h"
#include "tty/tty.h"
#include "vdso/vdso.h"
#include "vfs/mount.h"

enum { ROOT_MODULE_MIN_RAM_FRAMES = (40 << 20) / PAGE_SIZE };

static struct cpu boot_cpu;

/* The second half of boot, in a thread of its own, where sleeping is allowed. */
static void boot_thread(void *unused)
{
	char init_path[128] = "/sbin/manager";

	vfs_init();			/* files, mounts, caches; tmpfs, devfs, procfs, /dev/null and friends */
	trace_init();			/* /dev/trace */
	tty_init();			/* terminals: /dev/tty, /dev/ptmx, devpts */
	serial_tty_init();		/* /dev/ttyS0 … */
	video_init();			/* /dev/tty1 on the screen */
	keyboard_init();		/* PS/2 */
	mouse_init();
	mm_start_reclaim();		/* frees clean pages when memory runs low */
	fw_cfg_init();			/* what QEMU hands over: /dev/fw_cfg */
	smp_start_others();		/* the other CPUs, while boot goes on */
	vdso_init();			/* clocks for programs, without system calls */
	ipc_init();			/* ports */
	process_init();			/* process table, signals, futexes */
	if (KERNEL_CHECKS)
		checks_provoke_from_command_line();
	if (command_line_has("selftest") && selftest_run_all())
		power_off();
	root_mount_module();			/* the image the boot loader brought, writable in memory */
	command_line_get("init", init_path, sizeof(init_path));
	process_start_init(init_path, (char *[]){ init_path, NULL });
	panic_reboot_from_now_on();
}

void kernel_main(void)
{
	struct thread *thread;

	descriptors_init(&boot_cpu);	/* GDT, IDT, TSS; GS points to boot_cpu */
	boot_cpu.preempt_count = 1;	/* no switching before the scheduler is there */
	boot_cpu.stack_canary = cpu_read_tsc() * 0x9e3779b97f4a7c15ull & ~0xffull;
	command_line_append_from_firmware();
	log_configure_from_command_line();
	serial_early_init();		/* the log appears on COM1 from here on */
	log_notice("RaeenOS, loaded by %s at %#lx", boot_info.loader[0] ? boot_info.loader : "an unnamed loader", boot_layout.physical_base);
	features_init();		/* what the CPU has: NX, SMEP, SMAP, UMIP, FPU */
	boot_cpu.stack_canary = random_u64() & ~0xffull;	/* RDRAND may be used now; no caller of this function checks the old one */
	mm_init();			/* frames, heap, kernel mappings */
	crash_dump_init();		/* what a panic has left */
	if (!descriptors_guard_stacks(&boot_cpu))
		panic("out of memory while making exception stacks");
	video_early_init();		/* the log appears on the screen */
	acpi_init();			/* tables that say what the machine has */
	interrupts_init(command_line_has("safe"));
	clock_hw_init();		/* TSC against PIT, date */
	syscall_init();			/* SYSCALL and SYSRET */
	scheduler_init();		/* this context becomes the idle thread */
	random_add_entropy(boot_info.rsdp_copy, sizeof(boot_info.rsdp_copy));
	thread = thread_create_kernel("boot", boot_thread, NULL, CLASS_NORMAL);
	if (!thread)
		panic("out of memory while making the boot thread");
	thread_start(thread);
	boot_cpu.preempt_count = 0;
	scheduler_idle_loop();
}
