// Every kind of CO-RE relocation, and the shapes that an object can have:
// subprograms near and far, callbacks, global data, all map attributes.
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CORE __attribute__((preserve_access_index))

struct list_head {
	struct list_head *next, *prev;
} CORE;

struct mm_struct {
	struct file *exe_file;
	unsigned long start_code;
} CORE;

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	char comm[16];
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct list_head children;
	unsigned in_execve : 1;
} CORE;

struct task_struct___gone {
	int no_such_field;
} CORE;

struct no_such_struct {
	int x;
} CORE;

struct qstr {
	const unsigned char *name;
} CORE;

struct dentry {
	struct qstr d_name;
} CORE;

struct path {
	struct dentry *dentry;
} CORE;

struct file {
	struct path f_path;
	unsigned int f_mode;
} CORE;

struct sk_buff {
	unsigned int len;
	__u8 pkt_type : 3;
	__u16 protocol;
} CORE;

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };
enum pid_type___gone { PIDTYPE_NO_SUCH___x = 77 };

struct list_head___match {
	struct list_head *next, *prev;
};

struct list_head___nomatch {
	int *next;
};

struct value {
	__u64 a;
	__u32 b[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct value);
} a_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 16);
	__uint(max_entries, 2);
	__uint(numa_node, 0);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} an_array SEC(".maps");

const volatile __u32 wanted_pid = 7;
const volatile char prefix[8] = "abc";
__u64 counter;
static __u64 hidden_counter;
int initialized = 42;
__u32 custom SEC(".data.custom") = 5;

static __noinline int leaf(int x)
{
	return x * 3 + (int)bpf_get_prandom_u32();
}

static __noinline int middle(int x)
{
	return leaf(x) + leaf(x + 1);
}

__noinline int global_sub(int x)
{
	return middle(x) + initialized;
}

__hidden __noinline int hidden_sub(int x)
{
	return leaf(x) ^ 5;
}

static long callback(__u32 index, void *ctx)
{
	*(int *)ctx += leaf(index);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int fields(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___gone *gone = (void *)task;
	__u64 sum = 0;

	sum += BPF_CORE_READ(task, pid);
	sum += BPF_CORE_READ(task, tgid);
	sum += BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name) != 0;
	sum += BPF_CORE_READ(task, real_parent, real_parent, tgid);
	sum += BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
	sum += bpf_core_field_exists(task->mm->exe_file);
	sum += bpf_core_field_size(task->comm);
	sum += bpf_core_field_offset(struct task_struct, comm[3]);
	if (bpf_core_field_exists(gone->no_such_field))
		sum += BPF_CORE_READ(gone, no_such_field);
	if (bpf_core_type_exists(struct no_such_struct))
		sum += bpf_core_type_size(struct no_such_struct);
	counter += sum;
	hidden_counter += wanted_pid;
	return global_sub(sum);
}

SEC("raw_tp/sched_process_fork")
int types(void *ctx)
{
	struct value value = {};
	__u32 key = 1;

	value.a += bpf_core_type_size(struct task_struct);
	value.a += bpf_core_type_exists(struct mm_struct);
	value.a += bpf_core_type_id_kernel(struct task_struct);
	value.a += bpf_core_type_id_local(struct value);
	value.a += bpf_core_type_matches(struct list_head___match);
	value.a += bpf_core_type_matches(struct list_head___nomatch);
	value.a += bpf_core_enum_value_exists(enum pid_type, PIDTYPE_TGID);
	value.a += bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	if (bpf_core_enum_value_exists(enum pid_type___gone, PIDTYPE_NO_SUCH___x))
		value.a += bpf_core_enum_value(enum pid_type___gone, PIDTYPE_NO_SUCH___x);
	value.b[0] = custom;
	bpf_map_update_elem(&a_hash, &key, &value, 0);
	bpf_map_update_elem(&an_array, &key, &value.b, 0);
	return hidden_sub(value.a);
}

SEC("?raw_tp/sched_process_exit")
int callbacks(void *ctx)
{
	int sum = 0;
	void *record;

	bpf_loop(3, callback, &sum, 0);
	record = bpf_ringbuf_reserve(&events, 8, 0);
	if (record) {
		*(__u64 *)record = sum;
		bpf_ringbuf_submit(record, 0);
	}
	return 0;
}

SEC("tp_btf/sched_switch")
int direct(__u64 *ctx)
{
	struct task_struct *prev = (void *)ctx[1];

	counter += prev->flags + BPF_CORE_READ_BITFIELD(prev, in_execve);
	return 0;
}

SEC("classifier")
int packets(struct __sk_buff *skb)
{
	return skb->len > prefix[0];
}

SEC("no_such_section")
int unknown(void *ctx)
{
	return 0;
}
