/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fields that are wider or narrower here than in the kernel. */
#include "corpus.h"

struct task_struct___wide {
	unsigned long flags;
	unsigned long long exit_code;
	int comm;
} CORE;
struct task_struct___narrow {
	unsigned char flags;
	unsigned short start_time;
	unsigned int stack;
	unsigned char pid;
} CORE;
struct task_struct___pointer {
	__u32 *flags;
	__u64 real_parent;
} CORE;

__u64 sum;

SEC("tp_btf/sched_process_exit")
int BPF_PROG(narrow, struct task_struct___narrow *task)
{
	sum += task->flags + task->start_time;
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(wide, struct task_struct___wide *task)
{
	sum += task->flags;
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(misfits, struct task_struct___narrow *task)
{
	if (bpf_core_field_size(task->pid) == 1)
		sum += task->pid;
	if (bpf_core_field_size(task->stack) == 4)
		sum += task->stack;
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(other_kinds, struct task_struct___pointer *task)
{
	if (bpf_core_field_exists(task->flags))
		sum += (__u64)task->flags;
	if (bpf_core_field_exists(task->real_parent))
		sum += task->real_parent;
	return 0;
}
