/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads through typed pointers, whose offsets are in the instruction. */
#include "corpus.h"

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	unsigned long long start_time;
	char comm[16];
} CORE;

__u64 sum;

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	sum += task->pid + task->tgid + task->flags + task->start_time;
	sum += task->real_parent->tgid + task->group_leader->real_parent->pid;
	sum += task->comm[0] + task->comm[15];
	return 0;
}
