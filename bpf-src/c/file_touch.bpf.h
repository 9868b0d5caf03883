/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading and writing: the first touch of a file by a process in a while, and
 * the end of what was written.
 *
 * What counts is what a call returned, not that it was made. Which files have
 * been changed is remembered by open file, from its first change until it is
 * released; so the last change is always followed by one event, however soon it
 * came after the one before.
 */
#pragma once

#include "file.bpf.h"

/* How long a process's touches of a file count as one: set at load. */
const volatile u64 touch_window_ns = 10000000000ULL;

enum touch {
	TOUCH_READ,
	TOUCH_WRITE,
};

/* Who has touched what: the oldest are forgotten first. */
struct touch_key {
	u64 inode; /* its address */
	u32 tgid;
	u32 touch; /* enum touch */
};

/* An address may be used again, for another file or by another process. */
struct touch_state {
	u64 time_ns;
	u64 inode;
	u64 process_id;
	u32 generation;
	u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct touch_key);
	__type(value, struct touch_state);
} touches SEC(".maps");

/* Open files that have been changed. */
struct open_file {
	u64 inode; /* its address: an open file's own may be used again */
	u32 flags; /* FILE_MAPPED */
	u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64); /* address of the open file */
	__type(value, struct open_file);
} changed_files SEC(".maps");

static __always_inline u64 current_process_id(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return process_id(DIRECT,
				  TYPED(DIRECT, (struct task_struct *)bpf_get_current_task_btf()));
	return process_id(PROBE, (void *)bpf_get_current_task());
}

/* Remembers that an open file has changed. */
static __always_inline void file_changed(struct file *file, struct inode *inode, u32 flags)
{
	u64 key = (u64)file;
	struct open_file *known = bpf_map_lookup_elem(&changed_files, &key);
	struct open_file state = { .inode = (u64)inode, .flags = flags };

	if (known && known->inode == (u64)inode) {
		if (flags & ~known->flags)
			known->flags |= flags;
		return;
	}
	if (bpf_map_update_elem(&changed_files, &key, &state, BPF_ANY))
		loss_count(LOSS_STATE_FULL);
}

static __always_inline struct lane *file_event(enum way way, struct file *file,
					       struct inode *inode, u32 flags)
{
	struct lane *lane = file_begin(flags);

	if (!lane)
		return NULL;
	inode__fill(way, &lane->event.file.inode, inode);
	text_file(way, lane, &lane->event.file.path, file);
	return lane;
}

/*
 * A file was read or changed through `file`. The usual case, a process that
 * goes on with what it was doing, ends at the second look.
 */
static __always_inline int file_touched(enum way way, struct file *file, enum touch touch,
					u32 more_flags)
{
	file = TYPED(way, file);
	struct inode *inode = READ(way, file, f_inode);
	struct touch_key key = { .inode = (u64)inode, .touch = touch };
	struct touch_state *known, state = {};
	struct lane *lane;
	u32 flags;

	if ((READ(way, inode, i_mode) & S_TYPE) != S_REGULAR)
		return 0;
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	known = bpf_map_lookup_elem(&touches, &key);
	state.inode = READ(way, inode, i_ino);
	state.generation = READ(way, inode, i_generation);
	state.process_id = current_process_id();
	state.time_ns = bpf_ktime_get_ns();
	if (known && known->inode == state.inode && known->generation == state.generation &&
	    known->process_id == state.process_id &&
	    state.time_ns - known->time_ns < touch_window_ns) {
		if (touch == TOUCH_WRITE)
			file_changed(file, inode, 0);
		return 0;
	}

	flags = fs_flags(way, READ(way, inode, i_sb));
	if (flags & FILE_DROPPED || actor_is_excluded() || !file_is_itself(way, file))
		return 0;
	if (touch == TOUCH_WRITE)
		file_changed(file, inode, 0);
	lane = file_event(way, file, inode, flags | more_flags);
	if (!lane)
		return 0;
	/* Only what was told is not told again. */
	if (file_send(lane->index, touch == TOUCH_READ ? EVENT_FILE_READ : EVENT_FILE_WRITE))
		bpf_map_update_elem(&touches, &key, &state, BPF_ANY);
	return 0;
}

/* An event about an open file that is told each time. */
static __always_inline int file_told(enum way way, struct file *file, enum event_kind kind,
				     u32 error, u32 detail, u32 more_flags)
{
	struct inode *inode = READ(way, file, f_inode);
	u32 flags = fs_flags(way, READ(way, inode, i_sb));
	struct lane *lane;

	if (flags & FILE_DROPPED || actor_is_excluded() || !file_is_itself(way, file))
		return 0;
	if (kind != EVENT_FILE_CLOSE_WRITE && kind != EVENT_FILE_CREATE && !error)
		file_changed(file, inode, more_flags);
	lane = file_event(way, file, inode, flags | more_flags);
	if (!lane)
		return 0;
	lane->event.file.error = error;
	lane->event.file.detail = detail;
	file_send(lane->index, kind);
	return 0;
}

/* The last descriptor and mapping of an open file are gone. */
static __always_inline int file_released(enum way way, struct file *file)
{
	file = TYPED(way, file);
	u64 key = (u64)file;
	struct open_file *known = bpf_map_lookup_elem(&changed_files, &key);
	u64 inode;
	u32 flags;

	if (!known)
		return 0;
	inode = known->inode;
	flags = known->flags;
	bpf_map_delete_elem(&changed_files, &key);
	if (inode != (u64)READ(way, file, f_inode))
		return 0;
	return file_told(way, file, EVENT_FILE_CLOSE_WRITE, 0, 0, flags);
}
