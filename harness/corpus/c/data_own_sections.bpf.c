/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Data in sections of their own names. */
#include "corpus.h"

__u64 plain = 1;
__u64 zero;
const volatile __u64 constant = 2;
__u64 counter SEC(".data.counters") = 3;
__u64 other SEC(".data.counters") = 4;
__u64 first SEC(".bss.first");
__u64 second SEC(".bss.second");
const volatile __u64 limit SEC(".rodata.limits") = 5;
const volatile char a_long_name[8] SEC(".rodata.with_a_long_name") = "text";

SEC("raw_tp/sys_enter")
int use_all(void *ctx)
{
	zero += constant + limit + a_long_name[2];
	first += plain++;
	second = counter++ + other;
	return 0;
}
