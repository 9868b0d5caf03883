/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A loop with more turns than the verifier follows. */
#include "../c/corpus.h"

SEC("raw_tp/sys_enter")
int counts(void *ctx)
{
	__u32 sum = 0;

	for (__u32 i = 0; i < 1000000; i++)
		sum += bpf_get_prandom_u32();
	return sum == 5;
}
