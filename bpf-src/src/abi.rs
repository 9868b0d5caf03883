//! The layout of the records, as `c/event.h` defines it.
//!
//! The header is the truth; this is its mirror, and a test compares the two by
//! the BTF of the compiled object. All integers are in the machine's byte order:
//! a record is read on the machine that wrote it, or on one like it.

/// The version of the layout that this crate reads.
pub const FORMAT_VERSION: u16 = 1;
/// The longest path, in bytes.
pub const PATH_BYTES: usize = 4096;
/// The longest argv or env block, in bytes.
pub const ARGS_BYTES: usize = 8192;

/// One member of a structure: its name, and where it lies, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's name in `event.h`.
    pub name: &'static str,
    /// From the start of the structure.
    pub offset: usize,
    /// The member's own size.
    pub size: usize,
    /// Its Rust type: an integer such as `u32`, or one of the structures here.
    pub kind: &'static str,
}

/// A value of fixed size that is read from the front of a slice.
pub trait Wire: Sized {
    /// Its size in bytes.
    const SIZE: usize;

    /// Reads the value at the front of `bytes`; `None` if they are too few.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// Appends the value to `out`, as the kernel side would.
    fn write(&self, out: &mut Vec<u8>);
}

macro_rules! wire_integers {
    ($($integer:ty),*) => {$(
        impl Wire for $integer {
            const SIZE: usize = size_of::<$integer>();

            fn read(bytes: &[u8]) -> Option<Self> {
                Some(<$integer>::from_ne_bytes(*bytes.first_chunk()?))
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_ne_bytes());
            }
        }
    )*};
}

wire_integers!(u16, u32, u64, i32);

/// Declares structures without gaps whose members follow one another.
macro_rules! wire_structs {
    ($($(#[$doc:meta])* $name:ident = $c_name:literal { $($(#[$member_doc:meta])* $member:ident: $kind:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub struct $name { $($(#[$member_doc])* pub $member: $kind,)* }

            impl Wire for $name {
                const SIZE: usize = 0 $(+ <$kind>::SIZE)*;

                fn read(bytes: &[u8]) -> Option<Self> {
                    let mut rest = bytes;
                    $(
                        let $member = <$kind>::read(rest)?;
                        rest = &rest[<$kind>::SIZE..];
                    )*
                    let _ = rest;
                    Some(Self { $($member),* })
                }

                fn write(&self, out: &mut Vec<u8>) {
                    $(self.$member.write(out);)*
                }
            }

            impl $name {
                /// Its members, in order.
                pub fn members() -> Vec<Member> {
                    let mut offset = 0;
                    let mut members = Vec::new();
                    $(
                        members.push(Member {
                            name: stringify!($member),
                            offset,
                            size: <$kind>::SIZE,
                            kind: stringify!($kind),
                        });
                        offset += <$kind>::SIZE;
                    )*
                    let _ = offset;
                    members
                }
            }
        )*

        /// Every structure: its name in `event.h`, its size in bytes, its members.
        pub fn structures() -> Vec<(&'static str, usize, Vec<Member>)> {
            vec![$(($c_name, $name::SIZE, $name::members())),*]
        }
    };
}

wire_structs! {
    /// What every record begins with.
    Header = "event_header" {
        /// Size of the whole record in bytes, texts included.
        size_bytes: u32,
        /// One of the `KIND_` constants.
        kind: u16,
        /// [`FORMAT_VERSION`].
        format_version: u16,
        /// `CLOCK_BOOTTIME` in nanoseconds.
        time_ns: u64,
        /// Counts the records of one CPU and lane, from 0.
        sequence: u64,
        /// The CPU that wrote the record.
        cpu: u32,
        /// Which of the CPU's lanes it was built in.
        lane: u32,
    }

    /// Where a text is.
    Text = "event_text" {
        /// From the start of the record.
        offset_bytes: u32,
        /// Without a terminating NUL.
        size_bytes: u16,
        /// `TEXT_` bits.
        flags: u16,
    }

    /// A process, as it is at the event.
    Process = "event_process" {
        /// Names the process for as long as the machine is up.
        process_id: u64,
        /// `CLOCK_BOOTTIME` of its start, in nanoseconds.
        start_time_ns: u64,
        /// In the v2 hierarchy.
        cgroup_id: u64,
        /// In the initial pid namespace, as all that follow but `ns_tgid`.
        tgid: u32,
        /// The thread that acts.
        tid: u32,
        /// The tgid in the process's own pid namespace.
        ns_tgid: u32,
        /// Process group.
        pgid: u32,
        /// Session.
        sid: u32,
        /// Real user.
        uid: u32,
        /// Effective user.
        euid: u32,
        /// Saved user.
        suid: u32,
        /// User for file access.
        fsuid: u32,
        /// Real group.
        gid: u32,
        /// Effective group.
        egid: u32,
        /// Saved group.
        sgid: u32,
        /// Group for file access.
        fsgid: u32,
        /// Who logged in; 4294967295 when nobody has.
        login_uid: u32,
        /// Inode number, as in /proc/PID/ns; 0 once left.
        mnt_ns: u32,
        /// Inode number.
        pid_ns: u32,
        /// Inode number; 0 once left.
        net_ns: u32,
        /// Inode number.
        user_ns: u32,
    }

    /// A process came into being.
    Fork = "event_fork" {
        /// Common to all records.
        header: Header,
        /// The new process.
        process: Process,
        /// Its parent.
        parent: Process,
        /// `CLONE_` bits, without the exit signal.
        clone_flags: u64,
        /// `process_id` of the caller.
        creator_id: u64,
        /// The caller.
        creator_tgid: u32,
        /// The calling thread.
        creator_tid: u32,
        /// What the parent is sent at the end; 0 none, -1 a thread.
        exit_signal: i32,
        /// `FORK_` bits.
        flags: u32,
        /// The program it runs.
        exe: Text,
        /// The program its parent runs.
        parent_exe: Text,
    }

    /// A process replaced its program, or failed to.
    Exec = "event_exec" {
        /// Common to all records.
        header: Header,
        /// Who acts.
        process: Process,
        /// Its parent.
        parent: Process,
        /// errno; 0: the new program runs.
        error: u32,
        /// Zero.
        padding: u32,
        /// What runs now: after a failure, the old program.
        exe: Text,
        /// The program the parent runs.
        parent_exe: Text,
        /// As given to execve.
        filename: Text,
        /// As the script names it.
        interpreter: Text,
        /// Path of the outermost script.
        script: Text,
        /// Working directory.
        cwd: Text,
        /// Each argument ends with a NUL.
        argv: Text,
        /// Each variable ends with a NUL.
        env: Text,
    }

    /// The last thread of a process is gone, and its files are closed.
    Exit = "event_exit" {
        /// Common to all records.
        header: Header,
        /// Who has gone; `tid` is the thread that was last.
        process: Process,
        /// Its parent.
        parent: Process,
        /// 0 to 255.
        exit_code: u32,
        /// The signal that ended it; 0: none.
        signal: u32,
        /// `EXIT_` bits.
        flags: u32,
        /// Zero.
        padding: u32,
        /// The program it ran.
        exe: Text,
        /// The program the parent runs.
        parent_exe: Text,
    }

    /// A file as it was when the event was recorded.
    Inode = "event_inode" {
        /// Its number.
        inode: u64,
        /// Its size.
        size_bytes: u64,
        /// ctime in nanoseconds since 1970.
        change_time_ns: u64,
        /// Of the device that stat(2) shows: the file system's, or on btrfs that of the
        /// subvolume, if the kernel showed btrfs's types when the sensors were loaded.
        device_major: u32,
        /// Of the same.
        device_minor: u32,
        /// Tells a file from an earlier one with its number.
        generation: u32,
        /// Type and permissions, as in stat(2).
        mode: u32,
        /// Owner, in the initial user namespace.
        uid: u32,
        /// Group, in the initial user namespace.
        gid: u32,
        /// How many names it has.
        links: u32,
        /// Which kind of file system, as in statfs(2).
        fs_magic: u32,
    }

    /// Something happened to a file.
    File = "event_file" {
        /// Common to all records.
        header: Header,
        /// Who acts.
        process: Process,
        /// Its parent.
        parent: Process,
        /// The file, after the operation.
        inode: Inode,
        /// See the flags; before the operation.
        other: Inode,
        /// errno; 0: it is done.
        error: u32,
        /// `FILE_HOW_`, or 0.
        how: u32,
        /// `FILE_` bits.
        flags: u32,
        /// rename: `RENAME_` bits; map: `PROT_` bits; mounts: flags as given.
        detail: u32,
        /// The program that acts.
        exe: Text,
        /// The program its parent runs.
        parent_exe: Text,
        /// rename, link: the new one.
        path: Text,
        /// rename, link: the old one; symlink: what it says.
        other_path: Text,
    }
}

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
        /// [`Fork`].
        KIND_FORK: u16 = EVENT_FORK 1,
        /// [`Exec`].
        KIND_EXEC: u16 = EVENT_EXEC 2,
        /// [`Exit`].
        KIND_EXIT: u16 = EVENT_EXIT 3,
        /// [`File`]: a name came into being, and what it names.
        KIND_FILE_CREATE: u16 = EVENT_FILE_CREATE 16,
        /// [`File`]: another name for it.
        KIND_FILE_LINK: u16 = EVENT_FILE_LINK 17,
        /// [`File`]: another name in place of the one it had.
        KIND_FILE_RENAME: u16 = EVENT_FILE_RENAME 18,
        /// [`File`]: a name is gone.
        KIND_FILE_DELETE: u16 = EVENT_FILE_DELETE 19,
        /// [`File`]: read by a process for the first time in a while.
        KIND_FILE_READ: u16 = EVENT_FILE_READ 20,
        /// [`File`]: written by a process for the first time in a while.
        KIND_FILE_WRITE: u16 = EVENT_FILE_WRITE 21,
        /// [`File`]: its size was set.
        KIND_FILE_TRUNCATE: u16 = EVENT_FILE_TRUNCATE 22,
        /// [`File`]: mapped shared and writable.
        KIND_FILE_MAP: u16 = EVENT_FILE_MAP 23,
        /// [`File`]: released after it was changed.
        KIND_FILE_CLOSE_WRITE: u16 = EVENT_FILE_CLOSE_WRITE 24,
        /// [`File`]: permissions, owner, times or extended attributes.
        KIND_FILE_ATTRIBUTES: u16 = EVENT_FILE_ATTRIBUTES 25,
        /// [`File`]: a mount came into the tree.
        KIND_MOUNT: u16 = EVENT_MOUNT 32,
        /// [`File`]: a mount was taken away.
        KIND_UMOUNT: u16 = EVENT_UMOUNT 33,
        /// [`File`]: a mount has another place.
        KIND_MOUNT_MOVE: u16 = EVENT_MOUNT_MOVE 34,
        /// [`File`]: a mount has other options.
        KIND_MOUNT_CHANGE: u16 = EVENT_MOUNT_CHANGE 35,
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
