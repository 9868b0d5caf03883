/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether fields have a sign. */
#include "corpus.h"

enum hrtimer_restart { HRTIMER_NORESTART };
struct task_struct {
	int pid;
	unsigned int flags;
	long long start_time;
	int static_prio;
	void *stack;
	unsigned int in_iowait : 1;
} CORE;
struct hrtimer {
	unsigned char state;
	unsigned char is_rel;
} CORE;
struct inode {
	short i_opflags;
	int i_flags;
	long long i_size;
} CORE;

__u64 sum;

SEC("raw_tp/sys_enter")
int signs(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct hrtimer *timer = (void *)task;
	struct inode *inode = (void *)task;

	sum += __builtin_preserve_field_info(task->pid, BPF_FIELD_SIGNED);
	sum += __builtin_preserve_field_info(task->flags, BPF_FIELD_SIGNED);
	sum += __builtin_preserve_field_info(task->start_time, BPF_FIELD_SIGNED);
	sum += __builtin_preserve_field_info(task->static_prio, BPF_FIELD_SIGNED);
	sum += __builtin_preserve_field_info(task->in_iowait, BPF_FIELD_SIGNED);
	if (bpf_core_field_exists(timer->state))
		sum += __builtin_preserve_field_info(timer->state, BPF_FIELD_SIGNED);
	sum += __builtin_preserve_field_info(inode->i_opflags, BPF_FIELD_SIGNED);
	sum += __builtin_preserve_field_info(inode->i_flags, BPF_FIELD_SIGNED);
	sum += __builtin_preserve_field_info(inode->i_size, BPF_FIELD_SIGNED);
	return 0;
}
