/* SPDX-License-Identifier: MIT */
/* Reading a core file as core(5) and the ELF specification have it. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#ifndef NT_SIGINFO
#define NT_SIGINFO 0x53494749
#endif
#ifndef NT_FILE
#define NT_FILE 0x46494c45
#endif

/* NT_PRSTATUS and NT_PRPSINFO */
struct core_status {
	int32_t number, code, error;
	int16_t signal;
	uint64_t pending, blocked;
	int32_t tid, ppid, pgid, sid;
	int64_t times[8];
	struct user_regs_struct registers;
	int32_t has_fpu;
};
struct core_process {
	char state, letter, zombie, nice;
	uint64_t flags;
	uint32_t uid, gid;
	int32_t pid, ppid, pgid, sid;
	char name[16], arguments[80];
};
_Static_assert(sizeof(struct core_status) == 336 && sizeof(struct core_process) == 136, "as they are laid out in the file");

struct core {
	const char *bytes;
	size_t size;
	const Elf64_Phdr *headers;
	unsigned header_count;
};

/* 0, or -1 with errno: EINVAL for a file that is no core, or not all there. */
static inline int core_open(struct core *core, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const Elf64_Ehdr *elf;
	struct stat stat;

	*core = (struct core){ 0 };
	if (fd < 0 || fstat(fd, &stat))
		return -1;
	core->size = stat.st_size;
	core->bytes = mmap(NULL, core->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (core->bytes == MAP_FAILED)
		return -1;
	elf = (const Elf64_Ehdr *)core->bytes;
	core->headers = (const Elf64_Phdr *)(core->bytes + elf->e_phoff);
	core->header_count = elf->e_phnum;
	errno = EINVAL;
	if (memcmp(elf->e_ident, ELFMAG, SELFMAG) || elf->e_type != ET_CORE || elf->e_machine != EM_X86_64 || elf->e_phentsize != sizeof(Elf64_Phdr))
		return -1;
	for (unsigned i = 0; i < core->header_count; i++)
		if (core->headers[i].p_offset + core->headers[i].p_filesz > core->size)
			return -1;
	return core->headers[0].p_type == PT_NOTE ? 0 : -1;
}

static inline void core_close(struct core *core)
{
	munmap((void *)core->bytes, core->size);
}

/* The note of @type that @skip others of it come before, or NULL; *@size unless that is NULL. */
static inline const void *core_note(const struct core *core, unsigned type, unsigned skip, size_t *size)
{
	const char *at = core->bytes + core->headers[0].p_offset, *end = at + core->headers[0].p_filesz;

	while (at + sizeof(Elf64_Nhdr) <= end) {
		const Elf64_Nhdr *note = (const Elf64_Nhdr *)at;
		const char *bytes = at + sizeof *note + ((note->n_namesz + 3) & ~3u);

		if (note->n_type == type && !skip--) {
			if (size)
				*size = note->n_descsz;
			return bytes;
		}
		at = bytes + ((note->n_descsz + 3) & ~3u);
	}
	return NULL;
}

static inline unsigned core_count(const struct core *core, unsigned type)
{
	unsigned count = 0;

	while (core_note(core, type, count, NULL))
		count++;
	return count;
}

static inline const struct user_regs_struct *core_registers(const struct core *core, pid_t tid)
{
	const struct core_status *status;

	for (unsigned i = 0; (status = core_note(core, NT_PRSTATUS, i, NULL)); i++)
		if (status->tid == tid)
			return &status->registers;
	return NULL;
}

static inline pid_t core_first_thread(const struct core *core)
{
	const struct core_status *status = core_note(core, NT_PRSTATUS, 0, NULL);

	return status ? status->tid : -1;
}

static inline int core_signal(const struct core *core)
{
	const struct core_status *status = core_note(core, NT_PRSTATUS, 0, NULL);

	return status ? status->signal : -1;
}

/* Copies memory of the process: 0, or -1 with ENOENT where the file has none of it. */
static inline int core_read(const struct core *core, const void *address, void *to, size_t size)
{
	for (unsigned i = 1; i < core->header_count; i++) {
		const Elf64_Phdr *header = &core->headers[i];
		uint64_t offset = (uint64_t)address - header->p_vaddr;

		if ((uint64_t)address < header->p_vaddr || offset >= header->p_filesz || size > header->p_filesz - offset)
			continue;
		memcpy(to, core->bytes + header->p_offset + offset, size);
		return 0;
	}
	errno = ENOENT;
	return -1;
}

/* Is each byte of the page at @address there, and @byte? */
static inline int core_page_is(const struct core *core, const void *address, unsigned char byte)
{
	unsigned char page[4096];

	if (core_read(core, address, page, sizeof page))
		return 0;
	for (unsigned i = 0; i < sizeof page; i++)
		if (page[i] != byte)
			return 0;
	return 1;
}

/* What NT_FILE says is mapped at @address, "" if nothing. */
static inline const char *core_name_at(const struct core *core, const void *address)
{
	const uint64_t *files = core_note(core, NT_FILE, 0, NULL);
	const char *name = files ? (const char *)(files + 2 + files[0] * 3) : NULL;

	for (uint64_t i = 0; files && i < files[0]; i++, name += strlen(name) + 1)
		if (files[2 + i * 3] <= (uint64_t)address && (uint64_t)address < files[3 + i * 3])
			return name;
	return "";
}

/* Is the beginning of a mapped file whose name ends with @end there? */
static inline int core_has_head(const struct core *core, const char *end)
{
	const uint64_t *files = core_note(core, NT_FILE, 0, NULL);
	char head[SELFMAG];

	for (uint64_t i = 0; files && i < files[0]; i++) {
		const char *name = core_name_at(core, (const void *)files[2 + i * 3]);

		if (!files[4 + i * 3] && strlen(name) >= strlen(end) && !strcmp(name + strlen(name) - strlen(end), end))
			return !core_read(core, (const void *)files[2 + i * 3], head, SELFMAG) && !memcmp(head, ELFMAG, SELFMAG);
	}
	return 0;
}

#endif
