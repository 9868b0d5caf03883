// Shapes that libbpf refuses or that need special care: static functions next
// to their caller, externs.
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

extern const void some_kernel_symbol __ksym __weak;
extern int some_kernel_function(int x) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} plain SEC(".maps");

static __noinline int far(int x)
{
	return x + (int)bpf_get_prandom_u32();
}

SEC("raw_tp/near") static __noinline int beside(int x)
{
	return far(x) * far(x + 2);
}

SEC("raw_tp/near")
int near(void *ctx)
{
	return beside((int)bpf_get_prandom_u32());
}

SEC("raw_tp/external")
int external(void *ctx)
{
	return &some_kernel_symbol != 0;
}

SEC("raw_tp/external_call")
int external_call(void *ctx)
{
	return some_kernel_function(1);
}

SEC("raw_tp/plain")
int uses_plain(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&plain, &key) != 0;
}
