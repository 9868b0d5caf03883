/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* .rodata, .data, .bss and sections of other names that begin with those: one of
 * them longer than a map's name, two of them of one kind, one with two variables. */
#include "corpus.h"

const volatile __u32 step = 2;
const volatile __u32 limit SEC(".rodata.limits") = 1000;
const volatile char a_long_name[8] SEC(".rodata.with_a_long_name") = "text";
__u64 total;
__u64 runs SEC(".bss.runs");
__u64 last SEC(".bss.last");
__u32 scale = 3;
__u32 custom SEC(".data.custom") = 5;
__u32 other SEC(".data.custom") = 4;
static volatile __u32 unseen SEC(".data.unseen") = 7;

SEC("raw_tp/sys_enter")
int count(void *ctx)
{
	runs++;
	last = total + other++ + a_long_name[2];
	if (total < limit)
		total += step * scale + custom + unseen;
	return 0;
}
