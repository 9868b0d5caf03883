//! The layout of the records, as `c/event.h` defines it.
//!
//! The header is the truth; this is its mirror, and a test compares the two by
//! the BTF of the compiled object. All integers are in the machine's byte order:
//! a record is read on the machine that wrote it, or on one like it.

mod constants;

pub use constants::*;

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

wire_integers!(u8, u16, u32, u64, i32);

impl<T: Wire + Copy + Default, const N: usize> Wire for [T; N] {
    const SIZE: usize = T::SIZE * N;

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut all = [T::default(); N];
        for (index, one) in all.iter_mut().enumerate() {
            *one = T::read(bytes.get(index * T::SIZE..)?)?;
        }
        Some(all)
    }

    fn write(&self, out: &mut Vec<u8>) {
        for one in self {
            one.write(out);
        }
    }
}

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
                #[allow(clippy::vec_init_then_push, reason = "some have only one")]
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

pub(crate) use wire_structs;

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

    /// One end of a flow.
    Address = "event_address" {
        /// Its bytes in network order, as they lie in memory; of IPv4 the first four.
        ip_first: u64,
        /// The other eight.
        ip_second: u64,
        /// IPv6: the interface that the address is of.
        scope: u32,
        /// `AF_INET`, `AF_INET6`, or 0.
        family: u16,
        /// In the machine's byte order.
        port: u16,
    }

    /// Something happened to a socket.
    Socket = "event_socket" {
        /// Common to all records.
        header: Header,
        /// Who acts.
        process: Process,
        /// Its parent.
        parent: Process,
        /// This end.
        local: Address,
        /// The other.
        remote: Address,
        /// `SO_COOKIE`, or the sensor's own number with the highest bit set.
        socket_id: u64,
        /// `process_id` of who opened it.
        owner_id: u64,
        /// `CLOCK_BOOTTIME` in nanoseconds.
        opened_time_ns: u64,
        /// That the kernel took.
        sent_bytes: u64,
        /// TCP: that came, read or not.
        received_bytes: u64,
        /// TCP: segments.
        sent_packets: u64,
        /// TCP: segments.
        received_packets: u64,
        /// How much was sent before `payload`.
        payload_offset_bytes: u64,
        /// Flow: `CLOCK_BOOTTIME` of its first datagram in nanoseconds; otherwise 0.
        first_time_ns: u64,
        /// Flow: and of its last.
        last_time_ns: u64,
        /// Who opened it.
        owner_tgid: u32,
        /// Of the socket, an inode number.
        net_ns: u32,
        /// That it is bound to; 0: any.
        interface: u32,
        /// errno; 0: it is done.
        error: u32,
        /// `SOCKET_` bits.
        flags: u32,
        /// listen: the backlog.
        detail: u32,
        /// `AF_`.
        family: u16,
        /// `SOCK_`.
        socket_type: u16,
        /// `IPPROTO_`; of a packet socket `ETH_P_`.
        protocol: u16,
        /// Zero.
        padding: u16,
        /// The program that acts.
        exe: Text,
        /// The program its parent runs.
        parent_exe: Text,
        /// `AF_UNIX`: the path, or a NUL and an abstract name.
        path: Text,
        /// The first bytes that were sent.
        payload: Text,
    }
}
