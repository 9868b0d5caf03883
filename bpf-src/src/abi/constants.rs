//! The values that `c/event.h` gives names: kinds, flags, ways, causes.

/// Enumerators of `event.h`, by the name of their enum.
macro_rules! wire_constants {
    ($($enumeration:literal { $($(#[$doc:meta])* $name:ident: $kind:ty = $c_name:ident $value:expr,)* })*) => {
        $($($(#[$doc])* pub const $name: $kind = $value;)*)*

        /// Every enumerator: its enum, its name in `event.h`, its value.
        pub const CONSTANTS: &[(&str, &str, u64)] =
            &[$($(($enumeration, stringify!($c_name), $value as u64)),*),*];
    };
}

wire_constants! {
    "event_kind" {
        /// [`Fork`](super::Fork).
        KIND_FORK: u16 = EVENT_FORK 1,
        /// [`Exec`](super::Exec).
        KIND_EXEC: u16 = EVENT_EXEC 2,
        /// [`Exit`](super::Exit).
        KIND_EXIT: u16 = EVENT_EXIT 3,
        /// [`File`](super::File): a name came into being, and what it names.
        KIND_FILE_CREATE: u16 = EVENT_FILE_CREATE 16,
        /// [`File`](super::File): another name for it.
        KIND_FILE_LINK: u16 = EVENT_FILE_LINK 17,
        /// [`File`](super::File): another name in place of the one it had.
        KIND_FILE_RENAME: u16 = EVENT_FILE_RENAME 18,
        /// [`File`](super::File): a name is gone.
        KIND_FILE_DELETE: u16 = EVENT_FILE_DELETE 19,
        /// [`File`](super::File): read by a process for the first time in a while.
        KIND_FILE_READ: u16 = EVENT_FILE_READ 20,
        /// [`File`](super::File): written by a process for the first time in a while.
        KIND_FILE_WRITE: u16 = EVENT_FILE_WRITE 21,
        /// [`File`](super::File): its size was set.
        KIND_FILE_TRUNCATE: u16 = EVENT_FILE_TRUNCATE 22,
        /// [`File`](super::File): mapped shared and writable.
        KIND_FILE_MAP: u16 = EVENT_FILE_MAP 23,
        /// [`File`](super::File): released after it was changed.
        KIND_FILE_CLOSE_WRITE: u16 = EVENT_FILE_CLOSE_WRITE 24,
        /// [`File`](super::File): permissions, owner, times or extended attributes.
        KIND_FILE_ATTRIBUTES: u16 = EVENT_FILE_ATTRIBUTES 25,
        /// [`File`](super::File): a mount came into the tree.
        KIND_MOUNT: u16 = EVENT_MOUNT 32,
        /// [`File`](super::File): a mount was taken away.
        KIND_UMOUNT: u16 = EVENT_UMOUNT 33,
        /// [`File`](super::File): a mount has another place.
        KIND_MOUNT_MOVE: u16 = EVENT_MOUNT_MOVE 34,
        /// [`File`](super::File): a mount has other options.
        KIND_MOUNT_CHANGE: u16 = EVENT_MOUNT_CHANGE 35,
        /// [`Socket`](super::Socket): a raw or packet socket was opened.
        KIND_SOCKET_CREATE: u16 = EVENT_SOCKET_CREATE 48,
        /// [`Socket`](super::Socket): it was given an address.
        KIND_SOCKET_BIND: u16 = EVENT_SOCKET_BIND 49,
        /// [`Socket`](super::Socket): it waits for connections.
        KIND_SOCKET_LISTEN: u16 = EVENT_SOCKET_LISTEN 50,
        /// [`Socket`](super::Socket): it is connected, or was to be.
        KIND_SOCKET_CONNECT: u16 = EVENT_SOCKET_CONNECT 51,
        /// [`Socket`](super::Socket): a connection from elsewhere was accepted.
        KIND_SOCKET_ACCEPT: u16 = EVENT_SOCKET_ACCEPT 52,
        /// [`Socket`](super::Socket): something was sent.
        KIND_SOCKET_SEND: u16 = EVENT_SOCKET_SEND 53,
        /// [`Socket`](super::Socket): something was received.
        KIND_SOCKET_RECEIVE: u16 = EVENT_SOCKET_RECEIVE 54,
        /// [`Socket`](super::Socket): it is gone.
        KIND_SOCKET_CLOSE: u16 = EVENT_SOCKET_CLOSE 55,
        /// [`Socket`](super::Socket): nothing goes between it and this other end any more.
        KIND_FLOW_END: u16 = EVENT_FLOW_END 56,
    }
    "event_cpu" {
        /// Of records that the reader adds.
        CPU_READER: u32 = EVENT_CPU_READER 0xffff_ffff,
    }
    "event_text_flag" {
        /// There is no such thing.
        TEXT_NONE: u16 = TEXT_NONE 1,
        /// Too long: the front is missing.
        TEXT_CUT_FRONT: u16 = TEXT_CUT_FRONT 2,
        /// Too long: the end is missing.
        TEXT_CUT_END: u16 = TEXT_CUT_END 4,
        /// Memory could not be read: bytes are missing.
        TEXT_FAULT: u16 = TEXT_FAULT 8,
        /// A path that no mount leads to.
        TEXT_UNREACHABLE: u16 = TEXT_UNREACHABLE 16,
        /// A path whose last name is gone.
        TEXT_DELETED: u16 = TEXT_DELETED 32,
        /// The kernel changed it while it was read.
        TEXT_CHANGED: u16 = TEXT_CHANGED 64,
        /// The sensor had no room to remember it.
        TEXT_UNKNOWN: u16 = TEXT_UNKNOWN 128,
        /// A path of another mount namespace than the sensors' own.
        TEXT_FOREIGN: u16 = TEXT_FOREIGN 256,
    }
    "event_fork_flag" {
        /// The sensor had no room to remember the clone flags.
        FORK_CLONE_FLAGS_UNKNOWN: u32 = FORK_CLONE_FLAGS_UNKNOWN 1,
    }
    "event_exit_flag" {
        /// A core was dumped.
        EXIT_CORE_DUMPED: u32 = EXIT_CORE_DUMPED 1,
        /// No room to wait: sent before the files were closed.
        EXIT_EARLY: u32 = EXIT_EARLY 2,
    }
    "event_file_how" {
        /// Created by opening it.
        FILE_HOW_OPEN: u32 = FILE_HOW_OPEN 1,
        /// Created without a name.
        FILE_HOW_TMPFILE: u32 = FILE_HOW_TMPFILE 2,
        /// Created by mknod.
        FILE_HOW_MKNOD: u32 = FILE_HOW_MKNOD 3,
        /// A folder was created.
        FILE_HOW_MKDIR: u32 = FILE_HOW_MKDIR 4,
        /// A symbolic link was created.
        FILE_HOW_SYMLINK: u32 = FILE_HOW_SYMLINK 5,
        /// Deleted by unlink.
        FILE_HOW_UNLINK: u32 = FILE_HOW_UNLINK 6,
        /// A folder was deleted.
        FILE_HOW_RMDIR: u32 = FILE_HOW_RMDIR 7,
        /// Permissions.
        FILE_HOW_CHMOD: u32 = FILE_HOW_CHMOD 8,
        /// Owner or group.
        FILE_HOW_CHOWN: u32 = FILE_HOW_CHOWN 9,
        /// Times.
        FILE_HOW_UTIMES: u32 = FILE_HOW_UTIMES 10,
        /// An extended attribute was set.
        FILE_HOW_SETXATTR: u32 = FILE_HOW_SETXATTR 11,
        /// An extended attribute was removed.
        FILE_HOW_REMOVEXATTR: u32 = FILE_HOW_REMOVEXATTR 12,
        /// Created in memory, by memfd_create.
        FILE_HOW_MEMFD: u32 = FILE_HOW_MEMFD 13,
        /// A new mount of a file system.
        FILE_HOW_MOUNT: u32 = FILE_HOW_MOUNT 14,
        /// A tree is shown at another place as well.
        FILE_HOW_BIND: u32 = FILE_HOW_BIND 15,
        /// A mount that was made before, by fsmount or open_tree.
        FILE_HOW_ATTACH: u32 = FILE_HOW_ATTACH 16,
        /// Other options.
        FILE_HOW_REMOUNT: u32 = FILE_HOW_REMOUNT 17,
        /// Shared, slave, private or unbindable.
        FILE_HOW_PROPAGATION: u32 = FILE_HOW_PROPAGATION 18,
    }
    "event_file_flag" {
        /// A thread of the kernel did it.
        FILE_BY_KERNEL: u32 = FILE_BY_KERNEL 1,
        /// Deleted: the file has no name any more.
        FILE_LAST_LINK: u32 = FILE_LAST_LINK 2,
        /// Deleted: something still holds it by that name.
        FILE_STILL_OPEN: u32 = FILE_STILL_OPEN 4,
        /// Renamed over another, which is `other`.
        FILE_REPLACED: u32 = FILE_REPLACED 8,
        /// Two names changed places; `other` is the second.
        FILE_EXCHANGED: u32 = FILE_EXCHANGED 16,
        /// Was mapped writable: may have changed, unseen.
        FILE_MAPPED: u32 = FILE_MAPPED 32,
        /// On a mount that was declared remote.
        FILE_REMOTE: u32 = FILE_REMOTE 64,
        /// And may be read.
        FILE_SCANNABLE: u32 = FILE_SCANNABLE 128,
    }
    "event_socket_flag" {
        /// No task does this; told is who asked for the connection or began the flow.
        SOCKET_BY_OWNER: u32 = SOCKET_BY_OWNER 1,
        /// By a thread of the kernel.
        SOCKET_BY_KERNEL: u32 = SOCKET_BY_KERNEL 2,
        /// connect: how it ends is an event of its own.
        SOCKET_IN_PROGRESS: u32 = SOCKET_IN_PROGRESS 4,
        /// connect: and this is that.
        SOCKET_OUTCOME: u32 = SOCKET_OUTCOME 8,
        /// connect: by sending.
        SOCKET_FAST_OPEN: u32 = SOCKET_FAST_OPEN 16,
        /// Opened before the sensors were there, or they had no room.
        SOCKET_OPENED_UNSEEN: u32 = SOCKET_OPENED_UNSEEN 32,
        /// send: no more of this connection's payload is told.
        SOCKET_PAYLOAD_ENDS: u32 = SOCKET_PAYLOAD_ENDS 64,
    }
    "event_loss" {
        /// Lost: the ring buffer had no room.
        LOSS_RING_FULL: u32 = LOSS_RING_FULL 0,
        /// Lost: every lane of the CPU was busy.
        LOSS_NO_LANE: u32 = LOSS_NO_LANE 1,
        /// Lost: another program took the lane meanwhile.
        LOSS_LANE_TAKEN: u32 = LOSS_LANE_TAKEN 2,
        /// Poorer: a map of the sensor was full.
        LOSS_STATE_FULL: u32 = LOSS_STATE_FULL 3,
        /// A kretprobe did not see a call return.
        LOSS_RETURN_UNSEEN: u32 = LOSS_RETURN_UNSEEN 4,
        /// How many causes there are.
        LOSS_CAUSES: u32 = LOSS_CAUSES 5,
    }
}
