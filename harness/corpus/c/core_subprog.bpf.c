/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Relocations in functions that several programs share. */
#include "corpus.h"

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *real_parent;
} CORE;

__u64 sum;

static __noinline int pid_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, pid);
}

static __noinline int parents(struct task_struct *task)
{
	return BPF_CORE_READ(task, real_parent, tgid) + pid_of(task);
}

static long each(__u32 index, struct task_struct **task)
{
	*task = BPF_CORE_READ(*task, real_parent);
	return 0;
}

SEC("raw_tp/sys_enter")
int first(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	sum += parents(task) + BPF_CORE_READ(task, tgid);
	return 0;
}

SEC("tp/syscalls/sys_enter_openat")
int second(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	sum += pid_of(task);
	bpf_loop(3, each, &task, 0);
	return 0;
}
