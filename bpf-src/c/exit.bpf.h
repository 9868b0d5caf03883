/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exit: the last thread of a process is gone, and its files are closed.
 *
 * No single place in the kernel knows enough. When the last thread begins to
 * go, its program and namespaces are still known; when its files are closed,
 * they are not. So the record is built at the beginning, waits in a slot, and
 * is numbered and sent at the end. With no slot free it is sent at once, and
 * says so.
 */
#pragma once

#include "exit_slots.bpf.h"

/* As wait(2) tells the parent: the group's code if it was ended as a group. */
static __always_inline void exit_code__fill(enum way way, struct event_exit *event,
					    struct task_struct *task)
{
	struct signal_struct *signal = READ(way, task, signal);
	struct task_struct *leader = READ(way, task, group_leader);
	u32 code = READ(way, signal, flags) & SIGNAL_GROUP_EXIT ?
			   READ(way, signal, group_exit_code) :
			   READ(way, leader, exit_code);

	event->exit_code = code >> 8 & 0xff;
	event->signal = code & 0x7f;
	event->flags = code & 0x80 ? EXIT_CORE_DUMPED : 0;
	event->padding = 0;
}

static __always_inline int exit_begin(enum way way, struct task_struct *task, int group_dead)
{
	task = TYPED(way, task);
	u64 owner = bpf_get_current_task();
	struct event_exit *event;
	struct exit_slot *place;
	struct lane *lane;
	u32 slot;

	if (!group_dead || READ(way, task, flags) & PF_KTHREAD)
		return 0;
	lane = lane_claim(owner);
	if (!lane)
		return 0;
	event = &lane->event.exit;
	lane->used = sizeof(*event);
	process__fill(way, &event->process, task);
	parent__fill(way, lane, task, &event->parent, &event->parent_exe);
	process_exe__fill(way, lane, task, &event->exe);
	exit_code__fill(way, event, task);
	event->header.size_bytes = lane->used;

	if (exit_slot_claim(READ(way, task, pid), owner, &slot)) {
		place = bpf_map_lookup_elem(&exit_slots, &slot);
		if (place && lane_is_owned(lane, owner)) {
			u64 size = lane->used;

			CLAMP(size, EXIT_RECORD_BYTES);
			bpf_probe_read_kernel(place->record, size, lane->record);
			lane_release(lane);
		}
		return 0;
	}
	loss_count(LOSS_STATE_FULL);
	event->flags |= EXIT_EARLY;
	header__fill(lane, &event->header, EVENT_EXIT, lane->used);
	lane_send(lane, owner, lane->record, lane->used, LANE_RECORD_BYTES);
	return 0;
}

static __always_inline int exit_end(enum way way, struct task_struct *task)
{
	task = TYPED(way, task);
	u64 owner = bpf_get_current_task();
	struct signal_struct *signal = READ(way, task, signal);
	struct event_exit *event;
	struct exit_slot *place;
	struct lane *lane;
	u32 slot;

	/* Threads come here too. With threads left, none of them is ours. */
	if (READ(way, signal, live.counter) || !exit_slot_find(READ(way, task, pid), owner, &slot))
		return 0;
	place = bpf_map_lookup_elem(&exit_slots, &slot);
	lane = lane_claim(owner);
	if (place && lane) {
		event = &place->event;
		header__fill(lane, &event->header, EVENT_EXIT, event->header.size_bytes);
		lane_send(lane, owner, place->record, event->header.size_bytes, EXIT_RECORD_BYTES);
	}
	bpf_map_delete_elem(&exit_slot_owners, &slot);
	return 0;
}
