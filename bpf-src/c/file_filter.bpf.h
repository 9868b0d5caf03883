/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exclusions over a process's life: what it starts may inherit its own, and a
 * number that is given again does not.
 */
#pragma once

#include "file.bpf.h"

/* The value of an entry of `excluded`. */
#define EXCLUDE_DESCENDANTS 1

/* Who creates decides, not who becomes the parent: they differ with CLONE_PARENT. */
static __always_inline int exclusion_inherited(enum way way, struct task_struct *task)
{
	task = TYPED(way, task);
	u32 creator = bpf_get_current_pid_tgid() >> 32;
	u32 tgid = READ(way, task, tgid);
	u32 flags = EXCLUDE_DESCENDANTS;
	u32 *known;

	if ((u32)READ(way, task, pid) != tgid)
		return 0;
	known = bpf_map_lookup_elem(&excluded, &creator);
	if (known && *known & EXCLUDE_DESCENDANTS) {
		if (bpf_map_update_elem(&excluded, &tgid, &flags, BPF_ANY))
			loss_count(LOSS_STATE_FULL);
		return 0;
	}
	/* Excluded when its end had already been seen: not this one. */
	if (bpf_map_lookup_elem(&excluded, &tgid))
		bpf_map_delete_elem(&excluded, &tgid);
	return 0;
}

/* The last thread is gone, and its files are closed. */
static __always_inline int exclusion_ended(enum way way, struct task_struct *task)
{
	task = TYPED(way, task);
	struct signal_struct *signal = READ(way, task, signal);
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (!READ(way, signal, live.counter) && bpf_map_lookup_elem(&excluded, &tgid))
		bpf_map_delete_elem(&excluded, &tgid);
	return 0;
}
