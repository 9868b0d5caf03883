/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arithmetic on the addresses of global data. */
#include "corpus.h"

struct pair {
	__u32 left;
	__u64 right[3];
};

struct pair pairs[4];
const volatile struct pair fixed[2] = {{1, {2, 3, 4}}, {5, {6, 7, 8}}};
char text[64] = "text";

SEC("raw_tp/sys_enter")
int walk(void *ctx)
{
	__u32 index = bpf_get_smp_processor_id() & 3;
	struct pair *pair = &pairs[index];

	pair->right[2] += fixed[index & 1].right[index % 3];
	pairs[3].right[1] = fixed[1].right[2];
	text[(index + 7) & 63] = text[63];
	return fixed[1].left;
}
