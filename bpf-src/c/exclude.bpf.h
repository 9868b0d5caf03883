/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who is left out, and whether anybody looks. */
#pragma once

#include "lane.bpf.h"

/* Processes that are not reported, by tgid: filled from user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u32); /* EXCLUDE_DESCENDANTS or 0 */
} excluded SEC(".maps");

/* Whether anything was ever put into the map of a filter: most often not, and then nobody looks. */
enum filter {
	FILTER_MOUNTS,
	FILTER_EXCLUDED,
	FILTERS,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FILTERS);
	__type(key, u32);
	__type(value, u32);
} filters_used SEC(".maps");

static __always_inline bool filter_is_used(enum filter filter)
{
	u32 index = filter;
	u32 *used = bpf_map_lookup_elem(&filters_used, &index);

	return used && *used;
}

static __always_inline bool actor_is_excluded(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return filter_is_used(FILTER_EXCLUDED) && bpf_map_lookup_elem(&excluded, &tgid) != NULL;
}
