/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mounts: what makes, moves, changes and ends them.
 *
 * A call is noted where its paths are known, under the task's address, and told
 * when it has returned. Which mount it has put into the tree is then the last of
 * those below the place. What is attached or taken away without a call, with a
 * namespace or by an automount, is nobody's operation.
 */
#pragma once

#include "file.bpf.h"

/* Source: include/uapi/linux/mount.h */
#define MS_REMOUNT (1 << 5)
#define MS_BIND (1 << 12)
#define MS_MOVE (1 << 13)
#define MS_PROPAGATION (0xf << 17) /* unbindable, private, slave, shared */
#define MS_MAGIC 0xc0ed0000 /* once demanded of mount(2), still taken off */
#define MS_MAGIC_MASK 0xffff0000

struct mount_change {
	u64 mount; /* where: address of the vfsmount, and the dentry there */
	u64 dentry;
	u64 from_mount; /* bind: of what; move_mount: where it was */
	u64 from_dentry;
	u64 source; /* the string that was given, in the kernel's memory */
	u64 result;
	u32 kind; /* enum event_kind */
	u32 how;
	u32 detail; /* flags as given */
	u32 padding;
	struct event_inode gone; /* umount: the root, which may be freed by it */
};

static const struct mount_change mount_change_empty;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u64); /* the calling task's address */
	__type(value, struct mount_change);
} mount_changes SEC(".maps");

static __always_inline struct mount_change *mount_change_of_task(void)
{
	u64 task = bpf_get_current_task();

	return bpf_map_lookup_elem(&mount_changes, &task);
}

static __always_inline struct mount_change *mount_change_begin(enum event_kind kind, u32 how,
							       u32 detail)
{
	u64 task = bpf_get_current_task();
	struct mount_change *change;

	if (bpf_map_update_elem(&mount_changes, &task, &mount_change_empty, BPF_ANY)) {
		loss_count(LOSS_STATE_FULL);
		return NULL;
	}
	change = bpf_map_lookup_elem(&mount_changes, &task);
	if (!change)
		return NULL;
	change->kind = kind;
	change->how = how;
	change->detail = detail;
	return change;
}

/* The mount that a vfsmount is part of. */
static __always_inline struct mount *mount_of(u64 vfsmount)
{
	return (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
}

static __always_inline u64 vfsmount_of(struct mount *mount)
{
	return (u64)mount + bpf_core_field_offset(struct mount, mnt);
}

/* Where a mount is: false if it is nowhere, as a new one is until it is attached. */
static __always_inline bool mount_place(struct mount *mount, u64 *vfsmount, u64 *dentry)
{
	struct mount *below = BPF_CORE_READ(mount, mnt_parent);

	if (below == mount)
		return false;
	*vfsmount = vfsmount_of(below);
	*dentry = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
	return true;
}

/* mount(2) was given these; the order of tests is the kernel's. */
static __always_inline int mount_called(enum way way, u64 source, struct path *path, u64 flags)
{
	path = TYPED(way, path);
	struct mount_change *change;
	u32 kind = EVENT_MOUNT, how = FILE_HOW_MOUNT;

	if ((flags & MS_MAGIC_MASK) == MS_MAGIC)
		flags &= ~(u64)MS_MAGIC_MASK;
	if (flags & MS_REMOUNT) {
		kind = EVENT_MOUNT_CHANGE;
		how = FILE_HOW_REMOUNT;
	} else if (flags & MS_BIND) {
		how = FILE_HOW_BIND;
	} else if (flags & MS_PROPAGATION) {
		kind = EVENT_MOUNT_CHANGE;
		how = FILE_HOW_PROPAGATION;
	} else if (flags & MS_MOVE) {
		kind = EVENT_MOUNT_MOVE;
		how = 0;
	}
	change = mount_change_begin(kind, how, flags);
	if (!change)
		return 0;
	change->mount = (u64)READ(way, path, mnt);
	change->dentry = (u64)READ(way, path, dentry);
	if (kind != EVENT_MOUNT_CHANGE)
		change->source = source;
	return 0;
}

/* A tree is about to be shown at another place as well. */
static __always_inline int mount_source_found(enum way way, struct path *from)
{
	from = TYPED(way, from);
	struct mount_change *change = mount_change_of_task();

	if (!change)
		return 0;
	change->from_mount = (u64)READ(way, from, mnt);
	change->from_dentry = (u64)READ(way, from, dentry);
	return 0;
}

/* move_mount(2): of a mount that is somewhere, or of one that is new. */
static __always_inline int mount_move_asked(enum way way, struct path *from, struct path *to)
{
	from = TYPED(way, from);
	to = TYPED(way, to);
	struct vfsmount *vfsmount = READ(way, from, mnt);
	u64 from_mount, from_dentry;
	struct mount_change *change;

	if (mount_place(mount_of((u64)vfsmount), &from_mount, &from_dentry)) {
		change = mount_change_begin(EVENT_MOUNT_MOVE, 0, 0);
		if (!change)
			return 0;
		change->from_mount = from_mount;
		change->from_dentry = from_dentry;
	} else {
		change = mount_change_begin(EVENT_MOUNT, FILE_HOW_ATTACH, 0);
		if (!change)
			return 0;
	}
	change->mount = (u64)READ(way, to, mnt);
	change->dentry = (u64)READ(way, to, dentry);
	return 0;
}

static __always_inline int umount_called(enum way way, struct path *path, u32 flags)
{
	path = TYPED(way, path);
	struct mount_change *change = mount_change_begin(EVENT_UMOUNT, 0, flags);
	struct vfsmount *vfsmount = READ(way, path, mnt);
	struct dentry *dentry = READ(way, path, dentry);
	struct inode *inode = BPF_CORE_READ(vfsmount, mnt_root, d_inode);

	if (!change)
		return 0;
	change->mount = (u64)vfsmount;
	change->dentry = (u64)dentry;
	/* Any other dentry is no mount's, and is refused. */
	if (dentry != BPF_CORE_READ(vfsmount, mnt_root))
		return 0;
	mount_place(mount_of((u64)vfsmount), &change->mount, &change->dentry);
	inode__fill(PROBE, &change->gone, inode);
	return 0;
}

/*
 * The mount that a call has put to its place: the kernel keeps those below a
 * mount in the order in which they came. NULL if another has come since.
 */
static __always_inline struct vfsmount *mount_arrived(const struct mount_change *change)
{
	struct mount *below = mount_of(change->mount);
	struct list_head *last = BPF_CORE_READ(below, mnt_mounts.prev);
	struct mount *mount = (void *)last - bpf_core_field_offset(struct mount, mnt_child);

	/* The list of none ends at its own head, which is no mount's part. */
	if ((u64)last == (u64)below + bpf_core_field_offset(struct mount, mnt_mounts) ||
	    (u64)BPF_CORE_READ(mount, mnt_mountpoint) != change->dentry)
		return NULL;
	return (void *)vfsmount_of(mount);
}

static __always_inline void mount_change__fill(struct lane *lane, const struct mount_change *change,
					       u32 error)
{
	struct event_file *event = &lane->event.file;
	struct vfsmount *mount = (void *)change->mount, *arrived;
	struct dentry *dentry = (void *)change->dentry;
	struct inode *inode = NULL;

	event->error = error;
	event->how = change->how;
	event->detail = change->detail;
	if (change->kind == EVENT_MOUNT_CHANGE) {
		inode = BPF_CORE_READ(dentry, d_inode);
	} else if (change->kind != EVENT_UMOUNT && !error) {
		arrived = mount_arrived(change);
		if (arrived)
			inode = BPF_CORE_READ(arrived, mnt_root, d_inode);
	}
	if (inode)
		inode__fill(PROBE, &event->inode, inode);
	else
		event->inode = change->gone; /* of an umount; else it is empty */
	text_path(lane, &event->path, mount, dentry);
	if (change->from_mount)
		text_path(lane, &event->other_path, (void *)change->from_mount,
			  (void *)change->from_dentry);
	else if (change->source)
		text_string(lane, &event->other_path, (void *)change->source, false);
}

/* The call that was noted has returned. A global function as file_send. */
__noinline int mount_change_send(void)
{
	u64 task = bpf_get_current_task();
	struct mount_change *change = bpf_map_lookup_elem(&mount_changes, &task);
	struct lane *lane;
	u32 kind;

	if (!change)
		return 0;
	kind = change->kind;
	if (actor_is_excluded())
		goto forget;
	lane = file_begin(0);
	if (!lane)
		goto forget;
	mount_change__fill(lane, change, result_error(*(volatile u64 *)&change->result));
	file_send(lane->index, kind);
forget:
	bpf_map_delete_elem(&mount_changes, &task);
	return 0;
}

static __always_inline int mount_change_returned(u64 result)
{
	struct mount_change *change = mount_change_of_task();

	if (!change)
		return 0;
	*(volatile u64 *)&change->result = result;
	return mount_change_send();
}

/* A thread is gone: its call was never seen to return. */
static __always_inline int mount_actor_ended(void)
{
	u64 task = bpf_get_current_task();

	WAITING_FORGET(&mount_changes, &task);
	return 0;
}
