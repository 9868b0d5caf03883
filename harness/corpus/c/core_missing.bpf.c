/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A field that no kernel has, read by everybody who comes by. */
#include "corpus.h"

struct task_struct {
	int exit_coode;
} CORE;

int code;

SEC("raw_tp/sys_enter")
int unguarded(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	code = BPF_CORE_READ(task, exit_coode);
	return 0;
}
