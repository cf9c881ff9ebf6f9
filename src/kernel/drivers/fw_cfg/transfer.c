/* SPDX-License-Identifier: MIT */
/*
 * Talking to the firmware configuration device: byte by byte through a port (all there is before memory management, and the only way on old
 * QEMUs), or by DMA into a bounce buffer.
 *
 * Lock: transfer_lock guards the device (its selector and position) and the buffer once fw_cfg_init() has run.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/io.h"
#include "drivers/fw_cfg/fw_cfg.h"
#include "drivers/fw_cfg/fw_cfg_internal.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/uio.h"
#include "process/signal.h"
#include "sync/mutex.h"

enum { BOUNCE_FRAMES = 8, DMA_POLLS_MAX = 100000000 };

static struct mutex transfer_lock = MUTEX_INIT(transfer_lock, LOCK_FW_CFG);
static bool initialised;		/* set once, by fw_cfg_transfer_init */
static uint8_t *bounce;			/* transfer_lock; NULL: no DMA */
static size_t bounce_size;
static volatile struct fw_cfg_dma *request;	/* in the frame before the bounce buffer */
static uint32_t port_key = UINT32_MAX, port_pos;	/* transfer_lock: what the data port gives next */

static void select_key(uint16_t key)
{
	io_out16(FW_CFG_PORT_SELECTOR, key);
	port_key = key;
	port_pos = 0;
}

static void port_read(void *buf, size_t len)
{
	port_pos += len;
	io_in8_many(FW_CFG_PORT_DATA, buf, len);
}

bool fw_cfg_present(void)
{
	static bool probed, present;
	uint32_t regs[4];
	char signature[4];

	if (probed)
		return present;
	probed = true;
	/* On a real machine these ports could belong to anything; do not touch them unless a hypervisor says that it is one. */
	cpuid(1, 0, regs);
	if (!(regs[2] & 1u << 31))
		return false;
	select_key(FW_CFG_KEY_SIGNATURE);
	port_read(signature, sizeof(signature));
	present = memcmp(signature, "QEMU", sizeof(signature)) == 0;
	return present;
}

void fw_cfg_for_each_file(bool (*each)(const struct fw_cfg_file *file, void *context), void *context)
{
	uint32_t count;

	if (!fw_cfg_present())
		return;
	select_key(FW_CFG_KEY_DIRECTORY);
	port_read(&count, sizeof(count));
	count = MIN(__builtin_bswap32(count), (uint32_t)FW_CFG_FILES_MAX);
	for (uint32_t i = 0; i < count; i++) {
		struct fw_cfg_dirent raw;
		struct fw_cfg_file file;

		port_read(&raw, sizeof(raw));
		if (fw_cfg_parse_dirent(&raw, &file) && !each(&file, context))
			return;
	}
}

struct search { const char *name; struct fw_cfg_file file; bool found; };

static bool is_wanted(const struct fw_cfg_file *file, void *context)
{
	struct search *search = context;

	search->found = strcmp(file->name, search->name) == 0;
	search->file = *file;
	return !search->found;
}

size_t fw_cfg_read_file(const char *name, void *buf, size_t size)
{
	struct search search = { .name = name };

	if (initialised)
		mutex_lock(&transfer_lock);
	fw_cfg_for_each_file(is_wanted, &search);
	size = search.found ? MIN(size, (size_t)search.file.size) : 0;
	if (size) {
		select_key(search.file.key);
		port_read(buf, size);
	}
	if (initialised)
		mutex_unlock(&transfer_lock);
	return size;
}

int fw_cfg_transfer_init(void)
{
	uint32_t features;
	struct frame *frames = NULL;
	size_t count;

	initialised = true;
	select_key(FW_CFG_KEY_FEATURES);
	port_read(&features, sizeof(features));
	if (!(features & FW_CFG_FEATURE_DMA)) {
		log_notice("fw_cfg: no DMA, reading byte by byte");
		bounce_size = PAGE_SIZE;
	}
	for (count = features & FW_CFG_FEATURE_DMA ? BOUNCE_FRAMES : 1; count && !frames; count /= 2) {
		frames = frame_alloc_contiguous(count + 1, 1, 0);
		bounce_size = count * PAGE_SIZE;
	}
	if (!frames)
		return -ENOMEM;
	if (features & FW_CFG_FEATURE_DMA)
		request = frame_to_virt(frames);
	bounce = (uint8_t *)frame_to_virt(frames) + PAGE_SIZE;
	return 0;
}

/* One DMA request, waited for. 0 or -EIO. */
static int dma(uint32_t control, uint32_t len)
{
	paddr_t address = virt_to_phys((const void *)request);

	request->length = __builtin_bswap32(len);
	request->address = __builtin_bswap64(virt_to_phys(bounce));
	request->control = __builtin_bswap32(control);
	__asm__ volatile("" ::: "memory");
	io_out32(FW_CFG_PORT_DMA_HIGH, __builtin_bswap32(address >> 32));
	io_out32(FW_CFG_PORT_DMA_LOW, __builtin_bswap32((uint32_t)address));
	port_key = UINT32_MAX;
	for (unsigned i = 0; i < DMA_POLLS_MAX; i++) {
		uint32_t state = __builtin_bswap32(request->control);

		__asm__ volatile("" ::: "memory");
		if (!state)
			return 0;
		if (state & FW_CFG_DMA_ERROR)
			break;
		cpu_relax();
	}
	log_error("fw_cfg: the transfer of %u bytes failed", len);
	return -EIO;
}

/* Fills the bounce buffer with @len bytes of item @key from @pos on. */
static int load(uint16_t key, uint32_t pos, uint32_t len)
{
	if (request) {
		int error = dma((uint32_t)key << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_SKIP, pos);

		return error ? error : dma(FW_CFG_DMA_READ, len);
	}
	if (port_key != key || port_pos > pos)
		select_key(key);
	while (port_pos < pos)
		port_read(bounce, MIN((size_t)(pos - port_pos), bounce_size));
	port_read(bounce, len);
	return 0;
}

ssize_t fw_cfg_read(uint16_t key, uint32_t pos, uint32_t len, struct uio *uio)
{
	size_t total = 0;
	int error = 0;

	len = MIN((size_t)len, uio->left);
	while (total < len && !error) {
		size_t piece = MIN(len - total, bounce_size), copied = 0;

		mutex_lock(&transfer_lock);
		error = load(key, pos + total, piece);
		if (!error)
			copied = uio_write_to_now(uio, bounce, piece);
		mutex_unlock(&transfer_lock);
		total += copied;
		if (!error && copied < piece)
			error = uio_page_in(uio, piece - copied, true);
		else if (signal_fatal_pending())
			error = -EINTR;
	}
	return total ? (ssize_t)total : error;
}
