/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Weak kernel functions: of one name with two prototypes the right one is
 * called, one that no kernel has is not. Linux 6.2 has the first.
 */
#include "corpus.h"

/* Defined, if only by name: a declaration is compatible with no type. */
struct task_struct {};
extern struct task_struct *bpf_task_acquire___two(struct task_struct *p, int flags) __ksym __weak;
extern struct task_struct *bpf_task_acquire___one(struct task_struct *p) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
extern int bpf_nobody_has_this_kfunc(int x) __ksym __weak;

__u64 has_two;
__u64 has_kfunc;
__u64 has_nobody;
__u64 hits;

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter)
{
	if (bpf_task_acquire___two)
		has_two = 1;
	if (bpf_task_acquire___one && bpf_task_release) {
		struct task_struct *task;

		has_kfunc = 1;
		task = bpf_task_acquire___one(bpf_get_current_task_btf());
		if (task)
			bpf_task_release(task);
	}
	if (bpf_nobody_has_this_kfunc)
		has_nobody = bpf_nobody_has_this_kfunc(1);
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
