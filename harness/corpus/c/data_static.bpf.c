/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Static variables, which relocations name by section and offset. */
#include "corpus.h"

static volatile __u64 unused_before = 1;
static volatile __u64 counted = 2;
static volatile __u64 zero_before;
static volatile __u64 zero;
static const volatile __u32 table[4] = {1, 2, 3, 4};

SEC("raw_tp/sys_enter")
int use(void *ctx)
{
	counted += table[2];
	zero += unused_before + counted;
	zero_before++;
	return table[3];
}
