/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* .rodata, .data, .bss and sections of other names that begin with those. */
#include "corpus.h"

const volatile __u32 step = 2;
const volatile __u32 limit SEC(".rodata.limits") = 1000;
__u64 total;
__u64 runs SEC(".bss.runs");
__u32 scale = 3;
__u32 custom SEC(".data.custom") = 5;
static volatile __u32 unseen SEC(".data.unseen") = 7;

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	runs++;
	if (total < limit)
		total += step * scale + custom + unseen;
	return 0;
}
