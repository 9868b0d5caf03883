/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who acts: the current task, its parent, and the programs they run. */
#pragma once

#include "exit_slots.bpf.h"

/* Where an event tells who acts. */
struct actor {
	struct event_process *process;
	struct event_process *parent;
	struct event_text *exe;
	struct event_text *parent_exe;
};

/*
 * Who acts while it exits: as its exit event will have it. What that was made
 * from, its memory and its namespaces, is gone when its files are closed.
 */
static __always_inline bool leaver__fill(enum way way, struct lane *lane,
					 struct task_struct *task, struct actor *actor)
{
	struct exit_slot *place;
	u64 offset, size;
	u32 slot;
	void *to;

	if (!exit_slot_find(READ(way, task, pid), bpf_get_current_task(), &slot))
		return false;
	place = bpf_map_lookup_elem(&exit_slots, &slot);
	if (!place)
		return false;
	*actor->process = place->event.process;
	offset = place->event.exe.offset_bytes;
	size = place->event.exe.size_bytes;
	CLAMP(offset, EXIT_RECORD_BYTES - EVENT_PATH_BYTES);
	CLAMP(size, EVENT_PATH_BYTES);
	to = text_room(lane, EVENT_PATH_BYTES);
	bpf_probe_read_kernel(to, size, place->record + offset);
	text_take(lane, actor->exe, size, place->event.exe.flags);
	return true;
}

/* True if the task is the kernel's own, or dumps core. */
static __always_inline bool task__fill(enum way way, struct lane *lane, struct task_struct *task,
				       struct actor *actor)
{
	u32 flags = READ(way, task, flags);
	bool by_kernel = flags & (PF_KTHREAD | PF_DUMPCORE);

	parent__fill(way, lane, task, actor->parent, actor->parent_exe);
	if (flags & PF_EXITING && leaver__fill(way, lane, task, actor))
		return by_kernel;
	process__fill(way, actor->process, task);
	process_exe__fill(way, lane, task, actor->exe);
	/* It had one, and nobody has kept it: a thread that is not the last. */
	if (flags & PF_EXITING && actor->exe->flags & TEXT_NONE)
		actor->exe->flags = TEXT_UNKNOWN;
	return by_kernel;
}

/*
 * The current task, by the cheapest way that the kernel has. Kernel: typed since 5.11
 */
static __always_inline bool actor__fill(struct lane *lane, struct actor *actor)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return task__fill(
			DIRECT, lane,
			TYPED(DIRECT, (struct task_struct *)bpf_get_current_task_btf()), actor);
	return task__fill(PROBE, lane, (void *)bpf_get_current_task(), actor);
}
