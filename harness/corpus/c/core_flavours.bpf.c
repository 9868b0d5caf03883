/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Several definitions of one struct, told apart by ___suffixes. */
#include "corpus.h"

struct task_struct___old {
	long state;
	int pid;
} CORE;
struct task_struct___new {
	unsigned int __state;
	int pid;
} CORE;
struct task_struct___a___b {
	int tgid;
} CORE;
struct ___task_struct {
	int pid;
} CORE;
struct task_struct__2 {
	int pid;
} CORE;
struct task_struct____c {
	int pid;
} CORE;

__u64 sum;

SEC("raw_tp/sys_enter")
int flavours(void *ctx)
{
	struct task_struct___old *old = (void *)bpf_get_current_task();
	struct task_struct___new *new = (void *)old;
	struct task_struct___a___b *both = (void *)old;
	struct ___task_struct *before = (void *)old;
	struct task_struct__2 *two = (void *)old;
	struct task_struct____c *four = (void *)old;

	if (bpf_core_field_exists(new->__state))
		sum += BPF_CORE_READ(new, __state);
	else
		sum += BPF_CORE_READ(old, state);
	sum += BPF_CORE_READ(old, pid) + BPF_CORE_READ(new, pid);
	sum += bpf_core_type_exists(struct task_struct___a___b);
	if (bpf_core_field_exists(both->tgid))
		sum += BPF_CORE_READ(both, tgid);
	sum += bpf_core_field_exists(before->pid) + bpf_core_field_exists(two->pid);
	sum += bpf_core_field_exists(four->pid);
	return 0;
}
