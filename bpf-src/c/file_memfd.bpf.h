/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files of memfd_create. What becomes of one is not reported: it has no name,
 * and programs share memory that way. Running one shows in its exec.
 */
#pragma once

#include "calls.bpf.h"
#include "file_touch.bpf.h"

/* What memfd_create puts before each name. Source: mm/memfd.c */
#define MEMFD_PREFIX "memfd:"
#define MEMFD_PREFIX_BYTES 6

/* Other files in memory come from the same functions, under other names. */
static __always_inline bool is_memfd(struct file *file)
{
	struct dentry *dentry = READ(PROBE, file, f_path.dentry);
	char name[8] = {};

	bpf_probe_read_kernel(name, MEMFD_PREFIX_BYTES, READ(PROBE, dentry, d_name.name));
	return !__builtin_memcmp(name, MEMFD_PREFIX, MEMFD_PREFIX_BYTES);
}

static __always_inline int memory_file_made(u64 made)
{
	struct file *file = (void *)made;
	struct lane *lane;

	if (is_no_pointer(file) || !is_memfd(file) || actor_is_excluded())
		return 0;
	lane = file_event(PROBE, file, READ(PROBE, file, f_inode), 0);
	if (!lane)
		return 0;
	lane->event.file.how = FILE_HOW_MEMFD;
	file_send(lane->index, EVENT_FILE_CREATE);
	return 0;
}

#define MEMORY_FILE_HOOKS(name, function, result)                                              \
	SEC("fexit/" function)                                                                 \
	int name##_fentry(u64 *ctx)                                                            \
	{                                                                                      \
		return leave(ctx, memory_file_made(argument(ctx, result)));                    \
	}                                                                                      \
	SEC("kretprobe/" function)                                                             \
	int name##_kprobe(struct pt_regs *ctx)                                                 \
	{                                                                                      \
		return leave(ctx, memory_file_made(PT_REGS_RC(ctx)));                          \
	}

const volatile u32 hugetlb_file_setup__result = NOWHERE;

MEMORY_FILE_HOOKS(memfd, "shmem_file_setup", 3)
MEMORY_FILE_HOOKS(memfd_huge, "hugetlb_file_setup", hugetlb_file_setup__result)
