/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A loop whose end the verifier cannot see. */
#include "../c/corpus.h"

SEC("raw_tp/sys_enter")
int spins(void *ctx)
{
	__u32 state = bpf_get_prandom_u32();

	while (state != 1)
		state = state * 1664525 + 1013904223;
	return 0;
}
