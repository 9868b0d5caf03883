/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Moves: what renames a name, or deletes a folder's.
 *
 * As the other names, but the first hook has to keep the name itself: the old
 * dentry takes the new name, and a deleted folder's may be freed when we hear of
 * it. That makes these entries large, and so they have a map of their own.
 */
#pragma once

#include "file_names.bpf.h"

#define RENAME_EXCHANGE 2

struct name_move {
	struct name_change change;
	u64 directory; /* of `name` */
	u32 detail; /* rename: flags */
	u32 name_bytes;
	u32 has_other; /* is `gone` filled in? */
	u32 is_same; /* rename: both are names of one file */
	struct event_inode gone; /* before the operation: what is replaced, or rmdir's own */
	char name[NAME_BYTES + 1];
};

static const struct name_move name_move_empty;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64); /* the calling task's address */
	__type(value, struct name_move);
} name_moves SEC(".maps");

static __always_inline struct name_move *name_move_of_task(void)
{
	u64 task = bpf_get_current_task();

	return bpf_map_lookup_elem(&name_moves, &task);
}

/* A move is about to be tried: an entry with the name for it, or NULL. */
static __always_inline struct name_move *name_move_begin(enum way way, struct path *parent,
							 struct dentry *dentry,
							 enum event_kind kind, u32 how)
{
	u32 length = READ(way, dentry, d_name.len) & NAME_BYTES;
	u64 task = bpf_get_current_task();
	struct name_move *move;

	if (bpf_map_update_elem(&name_moves, &task, &name_move_empty, BPF_ANY)) {
		loss_count(LOSS_STATE_FULL);
		return NULL;
	}
	move = bpf_map_lookup_elem(&name_moves, &task);
	if (!move)
		return NULL;
	move->change.mount = (u64)READ(way, parent, mnt);
	move->change.dentry = (u64)dentry;
	move->change.super_block = (u64)READ(way, dentry, d_sb);
	move->change.kind = kind;
	move->change.how = how;
	move->directory = (u64)READ(way, parent, dentry);
	move->name_bytes = length;
	bpf_probe_read_kernel(move->name, length, READ(way, dentry, d_name.name));
	return move;
}

/* The path of the name that was kept: that of its folder, "/" and the name. */
static __always_inline void text_kept_name(struct lane *lane, struct event_text *text,
					   const struct name_move *move)
{
	text_path(lane, text, (void *)move->change.mount, (void *)move->directory);
	/* The root's own path is a slash already. */
	bool is_root = text->size_bytes == 1;
	u8 *to = text_room(lane, NAME_BYTES + 2);
	u64 length = move->name_bytes & NAME_BYTES;
	u32 size = length + !is_root;

	if (is_root) {
		bpf_probe_read_kernel(to, length, move->name);
	} else {
		*to = '/';
		bpf_probe_read_kernel(to + 1, length, move->name);
	}
	text->size_bytes += size;
	lane->used += size;
}

static __always_inline void rename__fill(enum way way, struct lane *lane,
					 const struct name_move *move, u32 error)
{
	struct event_file *event = &lane->event.file;
	struct vfsmount *mount = (void *)move->change.mount;
	struct dentry *dentry = POINTER(way, struct dentry, move->change.dentry);
	bool is_exchange = move->detail & RENAME_EXCHANGE;
	struct inode *inode = READ(way, dentry, d_inode);

	if (inode)
		inode__fill(way, &event->inode, inode);
	else
		inode__clear(&event->inode);
	event->detail = move->detail;
	if (move->has_other) {
		event->other = move->gone;
		if (!error)
			event->flags |= is_exchange ? FILE_EXCHANGED : FILE_REPLACED;
	}
	/* The dentry has taken the new name, unless nothing has changed. */
	text_path(lane, &event->path, mount, (void *)(error ? move->change.subject : (u64)dentry));
	if (error)
		text_path(lane, &event->other_path, mount, dentry);
	else
		text_kept_name(lane, &event->other_path, move);
}

static __always_inline void rmdir__fill(struct lane *lane, const struct name_move *move,
					u32 error)
{
	struct event_file *event = &lane->event.file;

	event->inode = move->gone;
	if (!error) {
		/* A folder has no other name; its inode may be freed by now. */
		event->inode.links = 0;
		event->flags |= FILE_LAST_LINK;
	}
	text_kept_name(lane, &event->path, move);
}

static __always_inline void name_move_tell_by(enum way way, const struct name_move *move,
					      u32 error)
{
	u32 kind = move->change.kind;
	struct lane *lane = name_event(way, &move->change, error);

	if (!lane)
		return;
	if (kind == EVENT_FILE_RENAME)
		rename__fill(way, lane, move, error);
	else
		rmdir__fill(lane, move, error);
	file_send(lane->index, kind);
}

/* The move that waits was tried, or is refused. */
static __always_inline int name_move_end(struct name_move *move, u64 result)
{
	u64 task = bpf_get_current_task();
	u32 error;

	*(volatile u64 *)&move->change.result = result;
	error = result_error(*(volatile u64 *)&move->change.result);
	/* Two names of one file: the kernel succeeds, and leaves both as they are. */
	if (!error && move->is_same)
		goto forget;
	BY_BEST_WAY(name_move_tell_by, move, error);
forget:
	bpf_map_delete_elem(&name_moves, &task);
	return 0;
}

static __always_inline int name_moved(enum way way, struct path *old_parent,
				      struct dentry *old, struct dentry *new, u32 rename_flags,
				      int result)
{
	old_parent = TYPED(way, old_parent);
	old = TYPED(way, old);
	new = TYPED(way, new);
	struct inode *replaced = READ(way, new, d_inode);
	struct name_move *move = name_move_begin(way, old_parent, old, EVENT_FILE_RENAME, 0);

	if (!move)
		return 0;
	move->change.subject = (u64)new;
	move->detail = rename_flags;
	if (replaced) {
		move->is_same = replaced == READ(way, old, d_inode);
		move->has_other = 1;
		inode__fill(way, &move->gone, replaced);
	}
	return result ? name_move_end(move, result) : 0;
}

static __always_inline int name_folder_removed(enum way way, struct path *parent,
					       struct dentry *dentry, int result)
{
	parent = TYPED(way, parent);
	dentry = TYPED(way, dentry);
	struct inode *inode = READ(way, dentry, d_inode);
	struct name_move *move;

	/* Nothing is there: another was faster. */
	if (!inode)
		return 0;
	move = name_move_begin(way, parent, dentry, EVENT_FILE_DELETE, FILE_HOW_RMDIR);
	if (!move)
		return 0;
	inode__fill(way, &move->gone, inode);
	return result ? name_move_end(move, result) : 0;
}

static __always_inline int name_move_returned(u64 dentry, u64 result)
{
	struct name_move *move = name_move_of_task();

	return move && move->change.dentry == dentry ? name_move_end(move, result) : 0;
}

static __always_inline int name_move_called(u64 dentry)
{
	struct name_move *move = name_move_of_task();

	return move ? name_called(&move->change, dentry) : 0;
}

static __always_inline int name_move_call_returned(u64 result)
{
	struct name_move *move = name_move_of_task();

	return move && name_call_returned(&move->change) ? name_move_end(move, result) : 0;
}

/*
 * The whole of rmdir returned: where the compiler has made vfs_rmdir a part of
 * it (seen on 5.10), the move still waits.
 */
static __always_inline int name_rmdir_returned(u64 result)
{
	struct name_move *move = name_move_of_task();

	return move && move->change.how == FILE_HOW_RMDIR ? name_move_end(move, result) : 0;
}

/* kprobe flavour: what security_path_* returned, before which an entry was made. */
static __always_inline int name_move_refused(int result)
{
	struct name_move *move = result ? name_move_of_task() : NULL;

	return move ? name_move_end(move, result) : 0;
}
