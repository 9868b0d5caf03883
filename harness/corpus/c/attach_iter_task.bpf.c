/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* iter/task: counts the tasks that it is given. One alone: Kernel: 6.1 */
#include "corpus.h"

struct bpf_iter_meta;
struct task_struct;
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

__u64 hits;

SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
	if (ctx->task)
		__sync_fetch_and_add(&hits, 1);
	return 0;
}
