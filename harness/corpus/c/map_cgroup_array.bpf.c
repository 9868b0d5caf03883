/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_CGROUP_ARRAY: cgroups by number. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int inside(void *ctx)
{
	return bpf_current_task_under_cgroup(&a_map, 0) == 1;
}
