/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two functions whose frames fit alone, but not together. */
#include "../c/corpus.h"

static __noinline int inner(void *ctx)
{
	char buffer[320];

	bpf_get_current_comm(buffer, sizeof(buffer));
	return buffer[1];
}

SEC("raw_tp/sys_enter")
int too_deep(void *ctx)
{
	char buffer[320];

	bpf_get_current_comm(buffer, sizeof(buffer));
	return inner(ctx) + buffer[2];
}
