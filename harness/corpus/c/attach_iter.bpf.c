/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* iter: writes the number of the one process that it is to find, and counts that. */
#include "corpus.h"

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} CORE;
struct task_struct {
	int pid;
	int tgid;
} CORE;
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

const volatile __u32 pid = 0;
__u64 hits;

SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	int found;

	if (!task)
		return 0;
	found = task->pid;
	if (found != (int)pid)
		return 0;
	__sync_fetch_and_add(&hits, 1);
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}
