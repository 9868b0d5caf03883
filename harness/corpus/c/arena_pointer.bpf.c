/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_ARENA (33): a store through a pointer from user space. */
#include "corpus.h"

#define ARENA_GLOBAL __attribute__((address_space(1)))

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 0x1ull << 44);
} arena SEC(".maps");

/* An offset into the arena, which user space writes and the program follows. */
__u32 offset;

SEC("raw_tp/sys_enter")
int store(void *ctx)
{
	__u64 ARENA_GLOBAL *place = (void ARENA_GLOBAL *)(__u64)offset;

	/* An instruction that names the map makes it the program's arena. */
	asm volatile("" :: "r"(&arena));
	*place = 7;
	return 0;
}
