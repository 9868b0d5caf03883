/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire format: what a sensor writes into the ring buffer, byte for byte.
 *
 * This is its only definition. The Rust side (src/abi.rs) is checked against
 * the BTF of the compiled objects, so that neither can change alone.
 *
 * Rules: fixed-width fields in the machine's byte order, padding spelled out,
 * every byte written on purpose. A record is a fixed part, which begins with
 * `struct event_header`, and the texts that its `struct event_text` fields
 * point to. Texts are raw bytes without a terminating NUL unless said.
 */
#pragma once

#define EVENT_FORMAT_VERSION 1

/* Limits of the texts, in bytes. */
#define EVENT_PATH_BYTES 4096
#define EVENT_ARGS_BYTES 8192

enum event_kind {
	EVENT_FORK = 1,
	EVENT_EXEC = 2,
	EVENT_EXIT = 3,
	EVENT_FILE_CREATE = 16,
	EVENT_FILE_LINK = 17,
	EVENT_FILE_RENAME = 18,
	EVENT_FILE_DELETE = 19,
	EVENT_FILE_READ = 20,
	EVENT_FILE_WRITE = 21,
	EVENT_FILE_TRUNCATE = 22,
	EVENT_FILE_MAP = 23,
	EVENT_FILE_CLOSE_WRITE = 24,
	EVENT_FILE_ATTRIBUTES = 25,
	EVENT_MOUNT = 32,
	EVENT_UMOUNT = 33,
	EVENT_MOUNT_MOVE = 34,
	EVENT_MOUNT_CHANGE = 35,
	EVENT_SOCKET_CREATE = 48,
	EVENT_SOCKET_BIND = 49,
	EVENT_SOCKET_LISTEN = 50,
	EVENT_SOCKET_CONNECT = 51,
	EVENT_SOCKET_ACCEPT = 52,
	EVENT_SOCKET_SEND = 53,
	EVENT_SOCKET_RECEIVE = 54,
	EVENT_SOCKET_CLOSE = 55,
	EVENT_FLOW_END = 56,
};

/* The cpu of records that the reader adds: they come through no ring. */
enum event_cpu {
	EVENT_CPU_READER = 0xffffffff,
};

struct event_header {
	__u32 size_bytes; /* of the whole record, texts included */
	__u16 kind; /* enum event_kind */
	__u16 format_version; /* EVENT_FORMAT_VERSION */
	__u64 time_ns; /* CLOCK_BOOTTIME: goes on while the machine sleeps */
	/*
	 * Counts the records of one CPU and lane, from 0. A lane is what keeps
	 * programs apart that run on one CPU at the same time. A number that
	 * is missing in the stream is a record that was lost.
	 */
	__u64 sequence;
	__u32 cpu;
	__u32 lane;
};

enum event_text_flag {
	TEXT_NONE = 1 << 0, /* there is no such thing, e.g. no executable */
	TEXT_CUT_FRONT = 1 << 1, /* too long: the front is missing */
	TEXT_CUT_END = 1 << 2, /* too long: the end is missing */
	TEXT_FAULT = 1 << 3, /* memory could not be read: bytes are missing */
	TEXT_UNREACHABLE = 1 << 4, /* a path that no mount leads to */
	TEXT_DELETED = 1 << 5, /* a path whose last name is gone */
	TEXT_CHANGED = 1 << 6, /* the kernel changed it while we read */
	TEXT_UNKNOWN = 1 << 7, /* the sensor had no room to remember it */
	TEXT_FOREIGN = 1 << 8, /* a path of another mount namespace than the sensors' own */
};

struct event_text {
	__u32 offset_bytes; /* from the start of the record */
	__u16 size_bytes;
	__u16 flags; /* enum event_text_flag */
};

/*
 * A process, as it is at the event. All ids are those of the initial
 * namespaces, but for ns_tgid.
 */
struct event_process {
	/*
	 * Names this process for as long as the machine is up: the boot time
	 * of its start in nanoseconds, with the tgid mixed into the upper
	 * bits. A pid that is used again has another start, so another id.
	 */
	__u64 process_id;
	__u64 start_time_ns; /* CLOCK_BOOTTIME */
	__u64 cgroup_id; /* in the v2 hierarchy */
	__u32 tgid;
	__u32 tid;
	__u32 ns_tgid; /* in the process's own pid namespace */
	__u32 pgid;
	__u32 sid;
	__u32 uid;
	__u32 euid;
	__u32 suid;
	__u32 fsuid;
	__u32 gid;
	__u32 egid;
	__u32 sgid;
	__u32 fsgid;
	__u32 login_uid; /* 4294967295: never logged in */
	__u32 mnt_ns; /* inode numbers, as in /proc/PID/ns; 0: already left */
	__u32 pid_ns;
	__u32 net_ns;
	__u32 user_ns;
};

/* A process came into being: thread-group leaders only. */
struct event_fork {
	struct event_header header;
	struct event_process process; /* the new one */
	struct event_process parent;
	__u64 clone_flags; /* CLONE_*, without the exit signal */
	__u64 creator_id; /* process_id of who called; not the parent with CLONE_PARENT */
	__u32 creator_tgid;
	__u32 creator_tid;
	__s32 exit_signal;
	__u32 flags; /* enum event_fork_flag */
	struct event_text exe;
	struct event_text parent_exe;
};

enum event_fork_flag {
	FORK_CLONE_FLAGS_UNKNOWN = 1 << 0, /* no room to remember them */
};

/* A process replaced its program, or failed to. */
struct event_exec {
	struct event_header header;
	struct event_process process;
	struct event_process parent;
	__u32 error; /* errno, 0: the new program runs */
	__u32 padding;
	/*
	 * What runs now. After a failure the old program; if it failed past the
	 * point of no return, which kills the process, the new one.
	 */
	struct event_text exe;
	struct event_text parent_exe;
	/*
	 * As given to execve. With a descriptor (execveat) a success has the
	 * kernel's form, /dev/fd/N or /dev/fd/N/NAME; a failure NAME alone.
	 */
	struct event_text filename;
	struct event_text interpreter; /* as the script names it; unknown after a failure */
	struct event_text script; /* path of the outermost script */
	struct event_text cwd;
	struct event_text argv; /* each argument ends with a NUL */
	struct event_text env; /* each variable ends with a NUL */
};

/* The last thread of a process is gone, and its files are closed. */
struct event_exit {
	struct event_header header;
	struct event_process process;
	struct event_process parent;
	__u32 exit_code; /* 0 to 255 */
	__u32 signal; /* that ended it, 0: none */
	__u32 flags; /* enum event_exit_flag */
	__u32 padding;
	struct event_text exe;
	struct event_text parent_exe;
};

enum event_exit_flag {
	EXIT_CORE_DUMPED = 1 << 0,
	EXIT_EARLY = 1 << 1, /* no room to wait: sent before files were closed */
};

/* A file as it was when the event was recorded; all zero: there is none. */
struct event_inode {
	__u64 inode;
	__u64 size_bytes;
	__u64 change_time_ns; /* ctime, since 1970 */
	__u32 device_major; /* as stat(2) shows it */
	__u32 device_minor;
	__u32 generation; /* tells a file from an earlier one with its number */
	__u32 mode; /* type and permissions, as in stat(2) */
	__u32 uid; /* in the initial user namespace */
	__u32 gid;
	__u32 links;
	__u32 fs_magic; /* which kind of file system, as in statfs(2) */
};

/* What of a file, in which way. */
enum event_file_how {
	FILE_HOW_OPEN = 1, /* created by opening it */
	FILE_HOW_TMPFILE = 2, /* created without a name, by O_TMPFILE */
	FILE_HOW_MKNOD = 3,
	FILE_HOW_MKDIR = 4,
	FILE_HOW_SYMLINK = 5,
	FILE_HOW_UNLINK = 6,
	FILE_HOW_RMDIR = 7,
	FILE_HOW_CHMOD = 8,
	FILE_HOW_CHOWN = 9,
	FILE_HOW_UTIMES = 10,
	FILE_HOW_SETXATTR = 11,
	FILE_HOW_REMOVEXATTR = 12,
	FILE_HOW_MEMFD = 13, /* created in memory, by memfd_create: no name leads there */
	FILE_HOW_MOUNT = 14, /* a new mount of a file system */
	FILE_HOW_BIND = 15, /* a tree is shown at another place as well */
	FILE_HOW_ATTACH = 16, /* a mount that was made before, by fsmount or open_tree */
	FILE_HOW_REMOUNT = 17,
	FILE_HOW_PROPAGATION = 18, /* shared, slave, private or unbindable */
};

enum event_file_flag {
	FILE_BY_KERNEL = 1 << 0, /* by a thread of the kernel, or as a process's core */
	FILE_LAST_LINK = 1 << 1, /* deleted: the file has no name any more */
	FILE_STILL_OPEN = 1 << 2, /* deleted: something still holds it by that name */
	FILE_REPLACED = 1 << 3, /* renamed over another, which is `other` */
	FILE_EXCHANGED = 1 << 4, /* two names changed places; `other` is the second */
	FILE_MAPPED = 1 << 5, /* was mapped writable: may have changed, unseen */
	FILE_REMOTE = 1 << 6, /* on a mount that was declared remote */
	FILE_SCANNABLE = 1 << 7, /* and may be read */
};

/*
 * Something happened to a file or a mount: each kind from EVENT_FILE_CREATE on.
 * Of a mount, `inode` is the root of what is mounted, `path` where.
 */
struct event_file {
	struct event_header header;
	struct event_process process;
	struct event_process parent;
	struct event_inode inode; /* the file, after the operation */
	struct event_inode other; /* see the flags; before the operation */
	__u32 error; /* errno, 0: it is done */
	__u32 how; /* enum event_file_how, 0 where a kind has but one way */
	__u32 flags; /* enum event_file_flag */
	/*
	 * rename: RENAME_* flags; map: PROT_* flags; chmod: the mode asked for; mounts: MS_* and
	 * MNT_* flags as given.
	 */
	__u32 detail;
	struct event_text exe;
	struct event_text parent_exe;
	struct event_text path; /* rename, link: the new one */
	/*
	 * rename, link, bind, move of a mount: the old one; symlink: what it says; *xattr: the
	 * attribute's name; mount(2), but for a bind: its source as given.
	 */
	struct event_text other_path;
};

/* One end of a flow; all zero: none, or not yet. */
struct event_address {
	/* Its bytes, in network order; of IPv4 the first four, and zeros. */
	__u64 ip_first;
	__u64 ip_second;
	__u32 scope; /* IPv6: the interface that the address is of */
	__u16 family; /* AF_INET or AF_INET6 */
	__u16 port;
};

enum event_socket_flag {
	/*
	 * No task does this: `process` is who asked for the connection, or sent
	 * or received the flow's first datagram, as it was then; its parent and
	 * both programs are unknown.
	 */
	SOCKET_BY_OWNER = 1 << 0,
	SOCKET_BY_KERNEL = 1 << 1, /* by a thread of the kernel */
	SOCKET_IN_PROGRESS = 1 << 2, /* connect: how it ends is an event of its own */
	SOCKET_OUTCOME = 1 << 3, /* connect: and this is that */
	SOCKET_FAST_OPEN = 1 << 4, /* connect: by sending */
	SOCKET_OPENED_UNSEEN = 1 << 5, /* before the sensors, or they had no room: no owner */
	SOCKET_PAYLOAD_ENDS = 1 << 6, /* send: no more of this connection's payload is told */
};

/*
 * Something happened to a socket: each kind from EVENT_SOCKET_CREATE on. Totals
 * are those since it was opened; of EVENT_FLOW_END, those of what went between
 * it and `remote`.
 */
struct event_socket {
	struct event_header header;
	struct event_process process;
	struct event_process parent;
	struct event_address local;
	struct event_address remote; /* receive: who really sent it */
	/*
	 * Names this socket for as long as the machine is up: its cookie, as
	 * SO_COOKIE has it; of one that the kernel has given none, a number
	 * with the highest bit set.
	 */
	__u64 socket_id;
	__u64 owner_id; /* process_id of who opened it; accept: of who accepted it */
	__u64 opened_time_ns; /* CLOCK_BOOTTIME */
	__u64 sent_bytes; /* that the kernel took */
	__u64 received_bytes; /* TCP: that came, read or not */
	__u64 sent_packets; /* TCP: segments */
	__u64 received_packets;
	__u64 payload_offset_bytes; /* send: how much was sent before `payload` */
	__u64 first_time_ns; /* flow: CLOCK_BOOTTIME of its first datagram; otherwise 0 */
	__u64 last_time_ns; /* flow: and of its last */
	__u32 owner_tgid;
	__u32 net_ns; /* of the socket: its process may be in another */
	__u32 interface; /* that it is bound to; 0: any */
	__u32 error; /* errno, 0: it is done */
	__u32 flags; /* enum event_socket_flag */
	__u32 detail; /* listen: the backlog */
	__u16 family; /* AF_* */
	__u16 socket_type; /* SOCK_* */
	__u16 protocol; /* IPPROTO_*; of a packet socket ETH_P_* */
	__u16 padding;
	struct event_text exe;
	struct event_text parent_exe;
	struct event_text path; /* AF_UNIX: sun_path, an abstract name with its NUL */
	struct event_text payload;
};

/* Why records were lost or are poorer than they could be. */
enum event_loss {
	LOSS_RING_FULL, /* lost: the ring buffer had no room */
	LOSS_NO_LANE, /* lost: every lane of the CPU was busy */
	LOSS_LANE_TAKEN, /* lost: another program took the lane meanwhile */
	LOSS_STATE_FULL, /* poorer: a map of the sensor was full */
	LOSS_RETURN_UNSEEN, /* a kretprobe did not see a call return */
	LOSS_CAUSES,
};

/*
 * All that a record can be. Sensors build records in memory of this type, so
 * that the layout stands in the BTF of the compiled object.
 */
union event {
	struct event_header header;
	struct event_fork fork;
	struct event_exec exec;
	struct event_exit exit;
	struct event_file file;
	struct event_socket socket;
	/* Never written: here so that their values are in the BTF as well. */
	struct {
		enum event_kind kind;
		enum event_cpu cpu;
		enum event_text_flag text_flag;
		enum event_fork_flag fork_flag;
		enum event_exit_flag exit_flag;
		enum event_file_how file_how;
		enum event_file_flag file_flag;
		enum event_socket_flag socket_flag;
		enum event_loss loss;
	} names;
};
