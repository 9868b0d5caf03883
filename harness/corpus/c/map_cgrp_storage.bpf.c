/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_CGRP_STORAGE (32): a value at each cgroup. */
#include "corpus.h"

struct {
	__uint(type, 32);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} a_map SEC(".maps");

struct cgroup;

struct css_set {
	struct cgroup *dfl_cgrp;
} CORE;

struct task_struct {
	struct css_set *cgroups;
} CORE;

/* The helper is younger than some headers: bpf_cgrp_storage_get. */
static void *(*const cgrp_storage_get)(void *, struct cgroup *, void *, __u64) = (void *)210;

SEC("tp_btf/sys_enter")
int count(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *value;

	value = cgrp_storage_get(&a_map, task->cgroups->dfl_cgrp, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}
