/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Elements of arrays: fixed, flexible, nested, out of bounds. */
#include "corpus.h"

struct upid {
	int nr;
} CORE;
struct pid {
	unsigned int level;
	struct upid numbers[];
} CORE;
struct task_struct {
	char comm[16];
	struct pid *thread_pid;
	struct { void *first; } pid_links[4];
} CORE;
struct task_struct___longer {
	char comm[64];
} CORE;
struct filename {
	char iname[0];
} CORE;

__u64 sum;

SEC("raw_tp/sys_enter")
int arrays(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___longer *longer = (void *)task;
	struct filename *name = (void *)task;

	sum += BPF_CORE_READ(task, comm[0]) + BPF_CORE_READ(task, comm[15]);
	sum += BPF_CORE_READ(task, thread_pid, numbers[0].nr);
	sum += BPF_CORE_READ(task, thread_pid, numbers[2].nr);
	sum += (__u64)BPF_CORE_READ(task, pid_links[3].first);
	sum += (__u64)BPF_CORE_READ(&task[2], pid_links[1].first);
	sum += BPF_CORE_READ(name, iname[5]);
	sum += bpf_core_field_size(task->comm) + bpf_core_field_size(longer->comm);
	sum += bpf_core_field_size(task->comm[1]);
	sum += bpf_core_field_exists(longer->comm[15]);
	if (bpf_core_field_exists(longer->comm[40]))
		sum += BPF_CORE_READ(longer, comm[40]);
	return 0;
}
