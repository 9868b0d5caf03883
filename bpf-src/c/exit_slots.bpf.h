/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exit slots: where the record of a process that exits waits until its files
 * are closed. The file sensors look there for who closes them: its memory and
 * its namespaces, which they would ask otherwise, are gone by then.
 */
#pragma once

#include "process.bpf.h"

#define EXIT_RECORD_BYTES (LANE_FIXED_BYTES + 2 * EVENT_PATH_BYTES)
/* Slots that a task may use, from the one that its pid points to. */
#define EXIT_SLOT_TRIES 4

struct exit_slot {
	union {
		struct event_exit event;
		u8 record[EXIT_RECORD_BYTES];
	};
};

const volatile u32 exit_slot_mask = 63; /* slots less one, a power of two: set at load */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct exit_slot);
} exit_slots SEC(".maps");

/* Whose slot it is. Adding a key that exists fails: that makes a claim atomic. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32); /* of exit_slots */
	__type(value, u64); /* the task's address */
} exit_slot_owners SEC(".maps");

static __always_inline bool exit_slot_claim(u32 pid, u64 task, u32 *slot)
{
#pragma unroll
	for (u32 i = 0; i < EXIT_SLOT_TRIES; i++) {
		*slot = (pid + i) & exit_slot_mask;
		if (!bpf_map_update_elem(&exit_slot_owners, slot, &task, BPF_NOEXIST))
			return true;
	}
	return false;
}

static __always_inline bool exit_slot_find(u32 pid, u64 task, u32 *slot)
{
#pragma unroll
	for (u32 i = 0; i < EXIT_SLOT_TRIES; i++) {
		u64 *owner;

		*slot = (pid + i) & exit_slot_mask;
		owner = bpf_map_lookup_elem(&exit_slot_owners, slot);
		if (owner && *owner == task)
			return true;
	}
	return false;
}
