/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names: what creates, links, renames and deletes them.
 *
 * Two hooks each. security_path_* know the mount, which no later function does,
 * and see what is about to go; vfs_* know whether it was done. What the first
 * finds waits for the second under the task's address, and is only used for
 * the very dentry it was found for: so what overlayfs then does to its layers,
 * by the same functions, is nobody's operation, and not reported.
 */
#pragma once

#include "file.bpf.h"

#define RENAME_EXCHANGE 2

struct name_change {
	u64 mount; /* address of the vfsmount */
	u64 dentry; /* what the second hook is about */
	u64 other; /* rename: the new dentry; link: the old one */
	u64 directory; /* of `name` */
	u64 super_block;
	u64 inode; /* of `dentry`, if it has one */
	u64 target; /* symlink: the string */
	u64 result; /* of the second hook; stored, a pointer becomes a number */
	u32 kind; /* enum event_kind */
	u32 how;
	u32 detail; /* rename: flags */
	u32 depth; /* kprobe flavour: calls of vfs_* that have not returned */
	u32 name_bytes;
	u32 has_other; /* is `replaced` filled in? */
	struct event_inode gone; /* before the operation: what may be freed by it */
	struct event_inode replaced;
	/*
	 * rename: the old one, as the old dentry takes the new name; rmdir:
	 * its own, as the dentry may be freed when we hear of it.
	 */
	char name[NAME_BYTES + 1];
};

static const struct name_change name_change_empty;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, u64); /* the calling task's address */
	__type(value, struct name_change);
} name_changes SEC(".maps");

/* A change is about to be tried: an empty entry for it, or NULL. */
static __always_inline struct name_change *name_change_begin(enum way way, struct path *parent,
							     struct dentry *dentry,
							     enum event_kind kind, u32 how)
{
	u64 task = bpf_get_current_task();
	struct name_change *change;

	if (bpf_map_update_elem(&name_changes, &task, &name_change_empty, BPF_ANY)) {
		loss_count(LOSS_STATE_FULL);
		return NULL;
	}
	change = bpf_map_lookup_elem(&name_changes, &task);
	if (!change)
		return NULL;
	change->mount = (u64)READ(way, parent, mnt);
	change->dentry = (u64)dentry;
	change->super_block = (u64)READ(way, dentry, d_sb);
	change->kind = kind;
	change->how = how;
	return change;
}

static __always_inline void name_keep(enum way way, struct name_change *change,
				      struct path *parent, struct dentry *dentry)
{
	u32 length = READ(way, dentry, d_name.len) & NAME_BYTES;

	change->directory = (u64)READ(way, parent, dentry);
	change->name_bytes = length;
	bpf_probe_read_kernel(change->name, length, READ(way, dentry, d_name.name));
}

/*
 * Whether the current task is walking a path to open it: then what it asks for
 * is a file of its own, which is told when it is open, and no vfs_create follows.
 */
static __always_inline bool actor_is_opening(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return READ(PROBE, task, nameidata) != NULL;
}

static __always_inline int name_added(enum way way, struct path *parent,
				      struct dentry *dentry, u32 how, const char *target)
{
	if (how == FILE_HOW_MKNOD && actor_is_opening())
		return 0;
	parent = TYPED(way, parent);
	dentry = TYPED(way, dentry);
	struct name_change *change =
		name_change_begin(way, parent, dentry, EVENT_FILE_CREATE, how);

	if (change)
		change->target = (u64)target;
	return 0;
}

static __always_inline int name_linked(enum way way, struct dentry *old, struct path *parent,
				       struct dentry *dentry)
{
	parent = TYPED(way, parent);
	dentry = TYPED(way, dentry);
	struct name_change *change = name_change_begin(way, parent, dentry, EVENT_FILE_LINK, 0);

	if (change)
		change->other = (u64)old;
	return 0;
}

static __always_inline int name_removed(enum way way, struct path *parent,
					struct dentry *dentry, u32 how)
{
	parent = TYPED(way, parent);
	dentry = TYPED(way, dentry);
	struct name_change *change =
		name_change_begin(way, parent, dentry, EVENT_FILE_DELETE, how);
	struct inode *inode = READ(way, dentry, d_inode);

	if (!change || !inode)
		return 0;
	change->inode = (u64)inode;
	inode__fill(way, &change->gone, inode);
	if (how == FILE_HOW_RMDIR)
		name_keep(way, change, parent, dentry);
	return 0;
}

static __always_inline int name_moved(enum way way, struct path *old_parent,
				      struct dentry *old, struct dentry *new, u32 rename_flags)
{
	old_parent = TYPED(way, old_parent);
	old = TYPED(way, old);
	new = TYPED(way, new);
	struct inode *replaced = READ(way, new, d_inode);
	struct name_change *change;

	/* Two names of one file: the kernel succeeds, and leaves both as they are. */
	if (replaced && replaced == READ(way, old, d_inode))
		return 0;
	change = name_change_begin(way, old_parent, old, EVENT_FILE_RENAME, 0);
	if (!change)
		return 0;
	change->other = (u64)new;
	change->detail = rename_flags;
	name_keep(way, change, old_parent, old);
	if (replaced) {
		change->has_other = 1;
		inode__fill(way, &change->replaced, replaced);
	}
	return 0;
}

/* The path of the name that was kept: that of its folder, "/" and the name. */
static __always_inline void text_kept_name(struct lane *lane, struct event_text *text,
					   const struct name_change *change)
{
	text_path(lane, text, (void *)change->mount, (void *)change->directory);
	/* The root's own path is a slash already. */
	bool is_root = text->size_bytes == 1;
	u8 *to = text_room(lane, NAME_BYTES + 2);
	u64 length = change->name_bytes & NAME_BYTES;
	u32 size = length + !is_root;


	if (is_root) {
		bpf_probe_read_kernel(to, length, change->name);
	} else {
		*to = '/';
		bpf_probe_read_kernel(to + 1, length, change->name);
	}
	text->size_bytes += size;
	lane->used += size;
}

static __always_inline void rename__fill(struct lane *lane, const struct name_change *change,
					 u32 error)
{
	struct event_file *event = &lane->event.file;
	struct vfsmount *mount = (void *)change->mount;
	bool is_exchange = change->detail & RENAME_EXCHANGE;

	event->detail = change->detail;
	if (change->has_other) {
		event->other = change->replaced;
		if (!error)
			event->flags |= is_exchange ? FILE_EXCHANGED : FILE_REPLACED;
	}
	/* The dentry has taken the new name, unless nothing has changed. */
	text_path(lane, &event->path, mount,
		  (void *)(error ? change->other : change->dentry));
	if (error) {
		text_path(lane, &event->other_path, mount, (void *)change->dentry);
		return;
	}
	text_kept_name(lane, &event->other_path, change);
}

static __always_inline void delete__fill(enum way way, struct event_file *event,
					 const struct name_change *change, u32 error)
{
	struct inode *inode = POINTER(way, struct inode, change->inode);
	struct dentry *dentry = POINTER(way, struct dentry, change->dentry);

	event->inode = change->gone;
	if (error)
		return;
	if (change->how == FILE_HOW_RMDIR) {
		/* A folder has no other name; its inode may be freed by now. */
		event->inode.links = 0;
		event->flags |= FILE_LAST_LINK;
		return;
	}
	/* The kernel holds the inode until after this call. */
	event->inode.links = READ(way, inode, i_nlink);
	event->inode.change_time_ns = inode_change_time_ns(way, inode);
	if (!event->inode.links)
		event->flags |= FILE_LAST_LINK;
	/* A dentry that nobody else holds has let go of its inode. */
	if (READ(way, dentry, d_inode))
		event->flags |= FILE_STILL_OPEN;
}

static __always_inline void name_change__fill(enum way way, struct lane *lane,
					      const struct name_change *change, u32 error)
{
	struct event_file *event = &lane->event.file;
	struct dentry *dentry = POINTER(way, struct dentry, change->dentry);
	struct inode *inode;

	event->error = error;
	event->how = change->how;
	if (change->kind == EVENT_FILE_DELETE) {
		delete__fill(way, event, change, error);
		if (change->how == FILE_HOW_RMDIR)
			text_kept_name(lane, &event->path, change);
		else
			text_path(lane, &event->path, (void *)change->mount, dentry);
		return;
	}
	inode = READ(way, dentry, d_inode);
	if (inode)
		inode__fill(way, &event->inode, inode);
	else
		inode__clear(&event->inode);
	if (change->kind == EVENT_FILE_RENAME) {
		rename__fill(lane, change, error);
		return;
	}
	text_path(lane, &event->path, (void *)change->mount, dentry);
	if (change->kind == EVENT_FILE_LINK) {
		struct dentry *old = POINTER(way, struct dentry, change->other);

		text_path(lane, &event->other_path, (void *)change->mount, old);
		if (dentry_is_deleted(way, old))
			event->other_path.flags |= TEXT_DELETED;
	} else if (change->target) {
		text_string(lane, &event->other_path, (void *)change->target, false);
	}
}

/* The change that waits was tried. A global function as file_send. */
__noinline int name_change_send(void)
{
	u64 task = bpf_get_current_task();
	struct name_change *change = bpf_map_lookup_elem(&name_changes, &task);
	struct lane *lane;
	u32 error, flags, kind;

	if (!change)
		return 0;
	error = result_error(*(volatile u64 *)&change->result);
	kind = change->kind;
	flags = fs_flags(PROBE, (void *)change->super_block);
	if (flags & FILE_DROPPED || error == EWOULDBLOCK || error == ESTALE || actor_is_excluded())
		goto forget;
	lane = file_begin(flags);
	if (!lane)
		goto forget;
	if (bpf_rdonly_cast)
		name_change__fill(DIRECT, lane, change, error);
	else
		name_change__fill(PROBE, lane, change, error);
	file_send(lane->index, kind);
forget:
	bpf_map_delete_elem(&name_changes, &task);
	return 0;
}

/* fentry flavour: vfs_* returned; is it what the task set out to do? */
static __always_inline int name_change_returned(u64 dentry, u64 result)
{
	u64 task = bpf_get_current_task();
	struct name_change *change = bpf_map_lookup_elem(&name_changes, &task);

	if (!change || change->dentry != dentry)
		return 0;
	*(volatile u64 *)&change->result = result;
	return name_change_send();
}

/*
 * kprobe flavour: a call is the task's own if it is for its dentry. What it
 * calls in turn is only counted; what something else calls, as overlayfs does
 * where a file is created by opening it, is not.
 */
static __always_inline int name_change_called(u64 dentry)
{
	u64 task = bpf_get_current_task();
	struct name_change *change = bpf_map_lookup_elem(&name_changes, &task);

	if (change && (change->depth || change->dentry == dentry))
		change->depth++;
	return 0;
}

static __always_inline int name_change_call_returned(u64 result)
{
	u64 task = bpf_get_current_task();
	struct name_change *change = bpf_map_lookup_elem(&name_changes, &task);

	if (!change || !change->depth || --change->depth)
		return 0;
	*(volatile u64 *)&change->result = result;
	return name_change_send();
}

/*
 * The whole of rmdir returned: where the compiler has made vfs_rmdir a part of
 * it (seen on 5.10), the change still waits.
 */
static __always_inline int name_rmdir_returned(u64 result)
{
	u64 task = bpf_get_current_task();
	struct name_change *change = bpf_map_lookup_elem(&name_changes, &task);

	if (!change || change->how != FILE_HOW_RMDIR)
		return 0;
	*(volatile u64 *)&change->result = result;
	return name_change_send();
}
