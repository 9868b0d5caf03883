/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hidden, weak and unused variables. */
#include "corpus.h"

__hidden __u64 hidden_zero;
__hidden __u64 hidden_data = 5;
__weak __u64 weak_zero;
__weak __u64 weak_data = 6;
__u64 never_used = 7;
const volatile __u32 never_read = 8;

SEC("raw_tp/sys_enter")
int use(void *ctx)
{
	hidden_zero += hidden_data;
	weak_zero += weak_data;
	return 0;
}
