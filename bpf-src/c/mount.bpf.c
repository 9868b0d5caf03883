// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Mount events: made, moved, changed, ended.
 *
 *              fentry flavour                         kprobe flavour
 *   mount(2)   fentry and fexit path_mount            kprobe, kretprobe of the same
 *   umount(2)  fentry and fexit path_umount           kprobe, kretprobe of the same
 *   move_mount fentry security_move_mount, fexit of   kprobe, kretprobe of the same
 *              the system call
 *   between    fentry __do_loopback: what is bound    kprobe of the same
 *   exit       fentry sched_autogroup_exit_task       kprobe of the same
 */
#include <stdbool.h>
#include <stddef.h>
#include "hooks.bpf.h"

#include "mount.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Where a function of so many arguments returns. */
#define RETURN_HOOKS(name, function, count)                                                    \
	SEC("fexit/" function)                                                                 \
	int name##_fentry(u64 *ctx)                                                            \
	{                                                                                      \
		return leave(ctx, mount_change_returned(ctx[count]));                          \
	}                                                                                      \
	SEC("kretprobe/" function)                                                             \
	int name##_kprobe(struct pt_regs *ctx)                                                 \
	{                                                                                      \
		return leave(ctx, mount_change_returned(PT_REGS_RC(ctx)));                     \
	}

ENTRY_HOOKS(mount_call, "path_mount", mount_called(way, (u64)source, path, flags),
	    const char *source, struct path *path, const char *type, unsigned long flags)
ENTRY_HOOKS(mount_source, "__do_loopback", mount_source_found(way, from), struct path *from)
ENTRY_HOOKS(mount_move, "security_move_mount", mount_move_asked(way, from, to), struct path *from,
	    struct path *to)
ENTRY_HOOKS(umount_call, "path_umount", umount_called(way, path, flags), struct path *path,
	    int flags)

RETURN_HOOKS(mount_return, "path_mount", 5)
RETURN_HOOKS(mount_move_return, SYSCALL(move_mount), 1)
RETURN_HOOKS(umount_return, "path_umount", 2)

SEC("fentry/sched_autogroup_exit_task")
int mount_actor_exit_fentry(void *ctx)
{
	return leave(ctx, mount_actor_ended());
}

SEC("kprobe/sched_autogroup_exit_task")
int mount_actor_exit_kprobe(void *ctx)
{
	return leave(ctx, mount_actor_ended());
}
