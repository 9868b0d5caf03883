/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A kernel function called by its BTF id. Linux 6.2 */
#include "corpus.h"

/* Defined, if only by name: a declaration is compatible with no type. */
struct task_struct {};
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

__u64 hits;

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter)
{
	struct task_struct *task = bpf_task_acquire(bpf_get_current_task_btf());

	if (!task)
		return 0;
	bpf_task_release(task);
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
