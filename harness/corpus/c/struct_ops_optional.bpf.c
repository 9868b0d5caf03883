/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ?.struct_ops: a table that is left out, as no kernel has its type. */
#include "corpus.h"

struct nobody_has_these_ops {
	int (*call)(void);
};

SEC("?struct_ops/call")
int BPF_PROG(optional_call)
{
	return 0;
}

SEC("?.struct_ops")
struct nobody_has_these_ops optional = {
	.call = (void *)optional_call,
};

__u64 hits;

SEC("raw_tp/sys_enter")
int on_sys_enter(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
