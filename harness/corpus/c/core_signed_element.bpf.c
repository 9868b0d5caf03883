/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether an element of an array has a sign, which libbpf does not tell. */
#include "corpus.h"

struct task_struct {
	char comm[16];
} CORE;

__u64 sum;

SEC("raw_tp/sys_enter")
int sign(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	sum += __builtin_preserve_field_info(task->comm[0], BPF_FIELD_SIGNED);
	return 0;
}
