/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_ARENA (33): global variables in memory shared with user space. */
#include "corpus.h"

#define ARENA_GLOBAL __attribute__((address_space(1)))

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 0x1ull << 44);
} arena SEC(".maps");

__u64 ARENA_GLOBAL counter = 5;
__u32 ARENA_GLOBAL runs;

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	counter += 2;
	runs++;
	return 0;
}
