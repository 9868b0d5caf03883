/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_ARENA (33): the kernel chooses its address. */
#include "corpus.h"

#define ARENA_GLOBAL __attribute__((address_space(1)))

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

__u64 ARENA_GLOBAL counter = 5;

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	counter += 2;
	return 0;
}
