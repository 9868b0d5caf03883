/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A field that no kernel has, read where nobody comes by. */
#include "corpus.h"

struct task_struct {
	int nope_field;
	long long nope_wide : 40;
} CORE;
enum nope { NOPE = 1 };

const volatile bool enabled;
__u64 sum;

SEC("raw_tp/sys_enter")
int guarded(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!enabled)
		return 0;
	sum += BPF_CORE_READ(task, nope_field);
	sum += BPF_CORE_READ_BITFIELD_PROBED(task, nope_wide);
	sum += bpf_core_field_size(task->nope_field);
	sum += bpf_core_enum_value(enum nope, NOPE);
	return 0;
}
