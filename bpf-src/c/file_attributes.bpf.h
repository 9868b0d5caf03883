/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attributes: permissions, owner, times and extended attributes.
 *
 * What changes the first three is given a path. Extended attributes belong to
 * a dentry, and what changes them knows no mount; but whoever asks for it has
 * taken the mount for writing, and gives it back right after. So what came of
 * it waits until then, under the task's address. What overlayfs does to its
 * layers meanwhile goes through mounts of its own, and is not reported.
 */
#pragma once

#include "calls.bpf.h"
#include "file.bpf.h"

/* Attributes of what `mount` and `dentry` lead to; what differs is left to do. */
static __always_inline struct lane *attributes_event(enum way way, struct vfsmount *mount,
						     struct dentry *dentry, u32 how, u32 error)
{
	u32 flags = fs_flags(way, READ(way, dentry, d_sb));
	struct event_file *event;
	struct lane *lane;

	if (flags & FILE_DROPPED || error == ESTALE || actor_is_excluded())
		return NULL;
	lane = file_begin(flags);
	if (!lane)
		return NULL;
	event = &lane->event.file;
	event->error = error;
	event->how = how;
	inode__fill(way, &event->inode, READ(way, dentry, d_inode));
	text_path(lane, &event->path, mount, dentry);
	if (dentry_is_deleted(way, dentry))
		event->path.flags |= TEXT_DELETED;
	return lane;
}

static __always_inline int attributes_changed(enum way way, struct path *path, u32 how,
					      u32 detail, u64 result)
{
	path = TYPED(way, path);
	struct lane *lane = attributes_event(way, READ(way, path, mnt), READ(way, path, dentry),
					     how, result_error(result));

	if (!lane)
		return 0;
	lane->event.file.detail = detail;
	file_send(lane->index, EVENT_FILE_ATTRIBUTES);
	return 0;
}

#define XATTR_NAME_BYTES 255 /* the kernel's XATTR_NAME_MAX */

struct xattr_change {
	u64 dentry;
	u64 mount; /* address of the vfsmount, once it is given back */
	u64 result;
	u32 how;
	u32 depth; /* kprobe flavour: calls that have not returned */
	u32 is_done;
	u32 padding;
	char name[XATTR_NAME_BYTES + 1];
};

static const struct xattr_change xattr_change_empty;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64); /* the calling task's address */
	__type(value, struct xattr_change);
} xattr_changes SEC(".maps");

/*
 * How many changes wait. Most often none, and mounts are written through all
 * the time: then nobody looks into the map.
 */
static u64 xattr_changes_waiting;

static __always_inline void xattr_change_forget(u64 task)
{
	if (!bpf_map_delete_elem(&xattr_changes, &task))
		__sync_fetch_and_add(&xattr_changes_waiting, -1);
}

static __always_inline struct xattr_change *xattr_change_of_task(void)
{
	u64 task = bpf_get_current_task();

	if (!*(volatile u64 *)&xattr_changes_waiting)
		return NULL;
	return bpf_map_lookup_elem(&xattr_changes, &task);
}

static __always_inline struct xattr_change *xattr_change_begin(u64 task, u64 dentry, u64 name,
							       u32 how)
{
	struct xattr_change *change;

	/* Of the task's own, the last one counts. */
	xattr_change_forget(task);
	if (bpf_map_update_elem(&xattr_changes, &task, &xattr_change_empty, BPF_NOEXIST)) {
		loss_count(LOSS_STATE_FULL);
		return NULL;
	}
	__sync_fetch_and_add(&xattr_changes_waiting, 1);
	change = bpf_map_lookup_elem(&xattr_changes, &task);
	if (!change)
		return NULL;
	change->dentry = dentry;
	change->how = how;
	bpf_probe_read_kernel_str(change->name, sizeof(change->name), (void *)name);
	return change;
}

/* fentry flavour: nested calls return first, and the outermost one replaces them. */
static __always_inline int xattr_returned(u64 dentry, u64 name, u32 how, u64 result)
{
	struct xattr_change *change =
		xattr_change_begin(bpf_get_current_task(), dentry, name, how);

	if (!change)
		return 0;
	change->result = result;
	change->is_done = 1;
	return 0;
}

/* kprobe flavour: the outermost of nested calls is the task's own. */
static __always_inline int xattr_called(u64 dentry, u64 name, u32 how)
{
	u64 task = bpf_get_current_task();
	struct xattr_change *change = xattr_change_of_task();

	if (change && change->depth) {
		change->depth++;
		return 0;
	}
	change = xattr_change_begin(task, dentry, name, how);
	if (change)
		change->depth = 1;
	return 0;
}

static __always_inline int xattr_call_returned(u64 result)
{
	struct xattr_change *change = xattr_change_of_task();

	if (!change || !change->depth || --change->depth)
		return 0;
	change->result = result;
	change->is_done = 1;
	return 0;
}

/* The change that waits, through the mount it names. A global function as file_send. */
__noinline int xattr_change_send(void)
{
	struct xattr_change *change = xattr_change_of_task();
	struct vfsmount *mount;
	struct dentry *dentry;
	struct lane *lane;

	if (!change)
		return 0;
	mount = (void *)change->mount;
	dentry = (void *)change->dentry;
	if (READ(PROBE, mount, mnt_sb) != READ(PROBE, dentry, d_sb) || mount_is_internal(mount))
		goto forget;
	lane = attributes_event(PROBE, mount, dentry, change->how,
				result_error(*(volatile u64 *)&change->result));
	if (!lane)
		goto forget;
	text_string(lane, &lane->event.file.other_path, change->name, false);
	file_send(lane->index, EVENT_FILE_ATTRIBUTES);
forget:
	xattr_change_forget(bpf_get_current_task());
	return 0;
}

/*
 * A file system has been set up. What waits now was done for that, as an
 * overlayfs does to its upper layer, without a mount that will be given back:
 * nobody's operation.
 */
static __always_inline int fs_set_up(void)
{
	xattr_change_forget(bpf_get_current_task());
	return 0;
}

/* A mount that was written through is given back. */
static __always_inline int mount_given_back(struct vfsmount *mount)
{
	struct xattr_change *change = xattr_change_of_task();

	if (!change || !change->is_done)
		return 0;
	*(volatile u64 *)&change->mount = (u64)mount;
	return xattr_change_send();
}
