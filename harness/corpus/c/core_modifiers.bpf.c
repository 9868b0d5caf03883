/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fields behind const, volatile, restrict, typedefs and tags. */
#include "corpus.h"

typedef const volatile int my_int;
typedef my_int my_int2;
typedef struct task_struct *restrict task_pointer;
struct task_struct {
	my_int2 pid;
	const int tgid;
	volatile unsigned int flags;
	task_pointer real_parent;
	struct task_struct *const volatile group_leader;
} CORE;
typedef struct task_struct task_t;
typedef const task_t const_task_t;

__u64 sum;

SEC("raw_tp/sys_enter")
int modified(void *ctx)
{
	const_task_t *task = (void *)bpf_get_current_task();

	sum += BPF_CORE_READ(task, pid) + BPF_CORE_READ(task, tgid);
	sum += BPF_CORE_READ(task, flags);
	sum += BPF_CORE_READ(task, real_parent, pid);
	sum += BPF_CORE_READ(task, group_leader, tgid);
	sum += bpf_core_type_size(const_task_t);
	return 0;
}
