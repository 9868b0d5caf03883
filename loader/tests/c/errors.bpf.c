// What can be wrong about an object: the tests break one thing at a time.
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__uint(nope_size, 4);
} odd_field SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(key_size, 8);
	__type(key, __u32);
} two_sizes SEC(".maps");

const volatile __u32 limit = 7;

SEC("raw_tp/sys_enter")
int reads(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 key = BPF_CORE_READ(task, pid);

	return key > limit && bpf_map_lookup_elem(&counts, &key) != 0;
}

SEC("raw_tp/sys_exit")
int uses_odd_field(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&odd_field, &key) != 0;
}

int nowhere(int x);

SEC("raw_tp/sys_exit")
int calls_nowhere(void *ctx)
{
	return nowhere(3);
}

SEC("teleport/anywhere")
int unknown_section(void *ctx)
{
	return 0;
}
