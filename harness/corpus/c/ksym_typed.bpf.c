/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A typed .ksyms extern: a per-CPU variable that BTF describes. */
#include "corpus.h"

/* Defined, if only by name: a declaration is compatible with no type. */
struct rq {};
extern const struct rq runqueues __ksym;

__u64 is_there;
__u64 hits;

SEC("raw_tp/sys_enter")
int read_run_queue(void *ctx)
{
	is_there = bpf_per_cpu_ptr(&runqueues, 0) != NULL;
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
