// cpu: v3
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Instruction set v3: 32-bit operations and jumps. */
#include "corpus.h"

volatile __u32 left = 3, right = 4;

SEC("raw_tp/sys_enter")
int compute(void *ctx)
{
	__u32 a = left, b = right;

	if (a > b)
		return a * b;
	if ((__s32)a < (__s32)b)
		return a / (b | 1);
	return a ^ b;
}
