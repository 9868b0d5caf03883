/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What loaders are measured with: thirty relocations over five types of the kernel,
 * two programs, four maps. Every loader of the comparison takes it. */
#include "corpus.h"

struct qstr {
	const unsigned char *name;
} CORE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
} CORE;

struct path {
	struct dentry *dentry;
} CORE;

struct file {
	struct path f_path;
	unsigned int f_flags;
	long long f_pos;
} CORE;

struct mm_struct {
	struct file *exe_file;
	unsigned long start_code;
	unsigned long end_code;
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long total_vm;
	unsigned long hiwater_rss;
} CORE;

struct id {
	unsigned int val;
} CORE;

struct cred {
	struct id uid;
	struct id gid;
	struct id euid;
	struct id egid;
	struct id fsuid;
	unsigned int securebits;
} CORE;

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	int exit_signal;
	unsigned int flags;
	unsigned long long start_time;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	const struct cred *cred;
	char comm[16];
	int nope_field;
} CORE;

struct record {
	__u64 values[32];
	char comm[16];
	char name[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct record);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

const volatile __u32 only_pid = 0;
__u64 seen;

#define READ(n, src, ...) (record->values[n] = (__u64)BPF_CORE_READ(src, __VA_ARGS__))

static __always_inline void of_task(struct record *record, struct task_struct *task)
{
	READ(0, task, pid);
	READ(1, task, tgid);
	READ(2, task, exit_code);
	READ(3, task, exit_signal);
	READ(4, task, flags);
	READ(5, task, start_time);
	READ(6, task, real_parent);
	READ(7, task, group_leader);
	if (bpf_core_field_exists(task->nope_field))
		READ(8, task, nope_field);
	BPF_CORE_READ_INTO(&record->comm, task, comm);
}

static __always_inline void of_mm(struct record *record, struct mm_struct *mm)
{
	struct file *file;
	struct dentry *dentry;

	READ(9, mm, start_code);
	READ(10, mm, end_code);
	READ(11, mm, arg_start);
	READ(12, mm, arg_end);
	READ(13, mm, total_vm);
	READ(14, mm, hiwater_rss);
	file = BPF_CORE_READ(mm, exe_file);
	READ(15, file, f_flags);
	READ(16, file, f_pos);
	dentry = BPF_CORE_READ(file, f_path.dentry);
	bpf_probe_read_kernel_str(record->name, sizeof(record->name),
				  BPF_CORE_READ(dentry, d_name.name));
}

static __always_inline void of_cred(struct record *record, const struct cred *cred)
{
	READ(17, cred, uid.val);
	READ(18, cred, gid.val);
	READ(19, cred, euid.val);
	READ(20, cred, egid.val);
	READ(21, cred, fsuid.val);
	READ(22, cred, securebits);
}

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct record *record;

	if (only_pid && only_pid != pid)
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return 0;
	of_task(record, task);
	of_mm(record, BPF_CORE_READ(task, mm));
	of_cred(record, BPF_CORE_READ(task, cred));
	bpf_ringbuf_submit(record, 0);
	__sync_fetch_and_add(&seen, 1);
	return 0;
}

SEC("classifier")
int on_packet(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	struct record *record = bpf_map_lookup_elem(&records, &key);

	if (record)
		__sync_fetch_and_add(&record->values[0], skb->len);
	return 0;
}
