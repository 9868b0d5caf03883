/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names: what creates, links and deletes them; see file_moves.bpf.h for the rest.
 *
 * Two hooks each. security_path_* know the mount, which no later function does,
 * and see what is about to go, and whether a security module refuses; vfs_* know
 * whether it was done. What the first finds waits for the second under the
 * task's address, and is only used for the very dentry it was found for: so
 * what overlayfs then does to its layers, by the same functions, is nobody's
 * operation, and not reported.
 */
#pragma once

#include "file.bpf.h"

struct name_change {
	u64 mount; /* address of the vfsmount */
	u64 dentry; /* what the second hook is about */
	u64 super_block;
	/* link: the old dentry; symlink: the string; unlink: the inode; rename: the new dentry */
	u64 subject;
	u64 result; /* of the second hook; stored, a pointer becomes a number */
	u32 kind; /* enum event_kind */
	u32 how;
	u32 depth; /* kprobe flavour: calls of vfs_* that have not returned */
	u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, u64); /* the calling task's address */
	__type(value, struct name_change);
} name_changes SEC(".maps");

static __always_inline struct name_change *name_change_of_task(void)
{
	u64 task = bpf_get_current_task();

	return bpf_map_lookup_elem(&name_changes, &task);
}

static __always_inline void delete__fill(enum way way, struct event_file *event,
					 const struct name_change *change, u32 error)
{
	struct inode *inode = POINTER(way, struct inode, change->subject);
	struct dentry *dentry = POINTER(way, struct dentry, change->dentry);

	/* The kernel holds the inode until after this call. */
	inode__fill(way, &event->inode, inode);
	if (error)
		return;
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

	if (change->kind == EVENT_FILE_DELETE) {
		delete__fill(way, event, change, error);
	} else {
		inode = READ(way, dentry, d_inode);
		if (inode)
			inode__fill(way, &event->inode, inode);
		else
			inode__clear(&event->inode);
	}
	text_path(lane, &event->path, (void *)change->mount, dentry);
	if (change->kind == EVENT_FILE_LINK) {
		struct dentry *old = POINTER(way, struct dentry, change->subject);

		text_path(lane, &event->other_path, (void *)change->mount, old);
		if (dentry_is_deleted(way, old))
			event->other_path.flags |= TEXT_DELETED;
	} else if (change->kind == EVENT_FILE_CREATE && change->subject) {
		text_string(lane, &event->other_path, (void *)change->subject, false);
	}
}

/* An event about a name, and a lane for it; NULL if there is nothing to tell. */
static __always_inline struct lane *name_event(enum way way, const struct name_change *change,
					       u32 error)
{
	u32 flags = fs_flags(way, POINTER(way, struct super_block, change->super_block));
	struct lane *lane;

	if (flags & FILE_DROPPED || error == EWOULDBLOCK || error == ESTALE || actor_is_excluded())
		return NULL;
	lane = file_begin(flags);
	if (!lane)
		return NULL;
	lane->event.file.error = error;
	lane->event.file.how = change->how;
	return lane;
}

static __always_inline void name_change_tell_by(enum way way, const struct name_change *change,
						u32 error)
{
	u32 kind = change->kind;
	struct lane *lane = name_event(way, change, error);

	if (!lane)
		return;
	name_change__fill(way, lane, change, error);
	file_send(lane->index, kind);
}

static __always_inline void name_change_tell(const struct name_change *change, u32 error)
{
	BY_BEST_WAY(name_change_tell_by, change, error);
}

/*
 * A change is about to be tried, or is refused: by a security module, which is
 * then the end of it.
 */
static __always_inline int name_change_begin(enum way way, struct name_change *change,
					     struct path *parent, struct dentry *dentry, int result)
{
	u64 task = bpf_get_current_task();

	change->mount = (u64)READ(way, parent, mnt);
	change->dentry = (u64)dentry;
	change->super_block = (u64)READ(way, dentry, d_sb);
	if (result)
		name_change_tell(change, result_error(result));
	else if (bpf_map_update_elem(&name_changes, &task, change, BPF_ANY))
		loss_count(LOSS_STATE_FULL);
	return 0;
}

/*
 * Whether the current task is walking a path to open it: then what it asks for
 * is a file of its own, which is told when it is open, and no vfs_create
 * follows. Nor is a refusal the end of it: the file may be there already.
 */
static __always_inline bool actor_is_opening(void)
{
	struct task_struct *task;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		task = TYPED(DIRECT, (struct task_struct *)bpf_get_current_task_btf());
		return READ(DIRECT, task, nameidata) != NULL;
	}
	task = (void *)bpf_get_current_task();
	return READ(PROBE, task, nameidata) != NULL;
}

static __always_inline int name_added(enum way way, struct path *parent, struct dentry *dentry,
				      u32 how, const char *target, int result)
{
	struct name_change change = {
		.kind = EVENT_FILE_CREATE,
		.how = how,
		.subject = (u64)target,
	};

	if (how == FILE_HOW_MKNOD && actor_is_opening())
		return 0;
	parent = TYPED(way, parent);
	dentry = TYPED(way, dentry);
	return name_change_begin(way, &change, parent, dentry, result);
}

static __always_inline int name_linked(enum way way, struct dentry *old, struct path *parent,
				       struct dentry *dentry, int result)
{
	struct name_change change = { .kind = EVENT_FILE_LINK, .subject = (u64)old };

	parent = TYPED(way, parent);
	dentry = TYPED(way, dentry);
	return name_change_begin(way, &change, parent, dentry, result);
}

static __always_inline int name_unlinked(enum way way, struct path *parent,
					 struct dentry *dentry, int result)
{
	struct name_change change = { .kind = EVENT_FILE_DELETE, .how = FILE_HOW_UNLINK };

	parent = TYPED(way, parent);
	dentry = TYPED(way, dentry);
	change.subject = (u64)READ(way, dentry, d_inode);
	/* Nothing is there: another was faster. */
	if (!change.subject)
		return 0;
	return name_change_begin(way, &change, parent, dentry, result);
}

/* The change that waits was tried. */
static __always_inline int name_change_end(struct name_change *change, u64 result)
{
	u64 task = bpf_get_current_task();

	*(volatile u64 *)&change->result = result;
	name_change_tell(change, result_error(*(volatile u64 *)&change->result));
	bpf_map_delete_elem(&name_changes, &task);
	return 0;
}

/* fentry flavour: vfs_* returned; is it what the task set out to do? */
static __always_inline int name_change_returned(u64 dentry, u64 result)
{
	struct name_change *change = name_change_of_task();

	return change && change->dentry == dentry ? name_change_end(change, result) : 0;
}

/*
 * kprobe flavour: a call is the task's own if it is for its dentry. What it
 * calls in turn is only counted; what something else calls, as overlayfs does
 * where a file is created by opening it, is not.
 */
static __always_inline int name_called(struct name_change *change, u64 dentry)
{
	if (change && (change->depth || change->dentry == dentry))
		change->depth++;
	return 0;
}

static __always_inline int name_change_called(u64 dentry)
{
	return name_called(name_change_of_task(), dentry);
}

/* The task's own call has returned. */
static __always_inline bool name_call_returned(struct name_change *change)
{
	return change && change->depth && !--change->depth;
}

static __always_inline int name_change_call_returned(u64 result)
{
	struct name_change *change = name_change_of_task();

	return name_call_returned(change) ? name_change_end(change, result) : 0;
}

/* kprobe flavour: what security_path_* returned, before which an entry was made. */
static __always_inline int name_change_refused(int result)
{
	struct name_change *change =
		result && !actor_is_opening() ? name_change_of_task() : NULL;

	return change ? name_change_end(change, result) : 0;
}
