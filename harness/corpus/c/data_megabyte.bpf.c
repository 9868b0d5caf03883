/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A megabyte of zeros and 64 KiB of constants. */
#include "corpus.h"

__u64 zeros[128 << 10];
const volatile __u8 constants[64 << 10] = {[65535] = 9};

SEC("raw_tp/sys_enter")
int use(void *ctx)
{
	__u32 index = bpf_get_smp_processor_id();

	zeros[index & 0xffff] += constants[index & 0xffff] + constants[65535];
	return 0;
}
