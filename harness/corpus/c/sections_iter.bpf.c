/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of iterators. */
#include "corpus.h"

SEC("iter/task")
int on_iter_task(void *ctx)
{
	return 0;
}

SEC("iter/bpf_map")
int on_iter_bpf_map(void *ctx)
{
	return 0;
}

SEC("iter/task_file")
int on_iter_task_file(void *ctx)
{
	return 0;
}

SEC("iter.s/task")
int on_iter_s_task(void *ctx)
{
	return 0;
}
