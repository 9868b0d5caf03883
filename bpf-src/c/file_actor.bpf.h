/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is kept of a process or a thread, over its life. What an excluded process
 * starts may inherit that; a number or an address that is given again does not.
 */
#pragma once

#include "calls.bpf.h"
#include "file_attributes.bpf.h"
#include "file_map.bpf.h"
#include "file_moves.bpf.h"

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

/*
 * A thread is gone, and with the last one its files are closed. What one of its
 * calls has left waiting, which was never seen to return, waits no more: its
 * address is soon another's.
 */
static __always_inline int actor_ended(enum way way, struct task_struct *task)
{
	task = TYPED(way, task);
	struct signal_struct *signal = READ(way, task, signal);
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	u64 address = bpf_get_current_task();

	WAITING_FORGET(&name_changes, &address);
	WAITING_FORGET(&name_moves, &address);
	WAITING_FORGET(&protection_changes, &address);
	if (xattr_change_of_task())
		xattr_change_forget(address);
	calls_forget();
	if (!READ(way, signal, live.counter) && bpf_map_lookup_elem(&excluded, &tgid))
		bpf_map_delete_elem(&excluded, &tgid);
	return 0;
}
