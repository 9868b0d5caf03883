//! Mounts that are made, moved, changed and taken away.

use super::{Hook, required};

/// The hooks of the mount family. What notes a call is attached after what waits
/// for its return.
pub(crate) const MOUNT: &[Hook] = &[
    required(
        "mount",
        &[
            "mount_return_fentry",
            "mount_source_fentry",
            "mount_call_fentry",
        ],
        &[
            "mount_return_kprobe",
            "mount_source_kprobe",
            "mount_call_kprobe",
        ],
    ),
    required(
        "move_mount",
        &["mount_move_return_fentry", "mount_move_fentry"],
        &["mount_move_return_kprobe", "mount_move_kprobe"],
    ),
    required(
        "umount",
        &["umount_return_fentry", "umount_call_fentry"],
        &["umount_return_kprobe", "umount_call_kprobe"],
    ),
    required(
        "the end of a thread",
        &["mount_actor_exit_fentry"],
        &["mount_actor_exit_kprobe"],
    ),
];
