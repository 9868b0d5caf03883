/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a field that no kernel has, and does not ask first; its neighbours
 * ask, or read what is there. */
#include "../c/corpus.h"

struct task_struct {
	int nope_field;
	int tgid;
} CORE;

SEC("raw_tp/sys_enter")
int reads_missing(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, nope_field);
}

SEC("raw_tp/sys_enter")
int asks_first(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_core_field_exists(task->nope_field))
		return BPF_CORE_READ(task, nope_field);
	return BPF_CORE_READ(task, tgid);
}
