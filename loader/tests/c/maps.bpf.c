// Maps in every form: of maps, of programs, with what they hold from the
// start, in an arena, without types.
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#ifndef __ulong
#define GLUED(a, b) a##b
#define GLUE(a, b) GLUED(a, b)
#define __ulong(name, value) enum { GLUE(unique_value, __COUNTER__) = value } name
#endif
#define ARENA_GLOBAL __attribute__((address_space(1)))

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 7);
	__type(key, __u32);
	__type(value, __u64);
};

struct inner first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = &first, [3] = &second },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 3);
		__uint(key_size, 8);
		__uint(value_size, 2);
	});
} outer_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u64);
	__array(values, struct inner);
} wide_keys SEC(".maps") = {
	.values = { &first },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
		__uint(max_entries, 4);
		__type(key, __u32);
		__array(values, struct inner);
	});
} too_deep SEC(".maps");

int tail(void *ctx);
int helper(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int (void *));
} jumps SEC(".maps") = {
	.values = { [1] = &tail, [2] = &helper },
};

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA, unknown to older headers */
	__uint(map_flags, 1024);
	__uint(max_entries, 16);
	__ulong(map_extra, 0x1ull << 44);
} arena SEC(".maps");

__u64 ARENA_GLOBAL arena_counter = 5;
__u32 ARENA_GLOBAL arena_other;

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def SEC("maps") legacy = { BPF_MAP_TYPE_HASH, 4, 8, 16, 1 };
struct longer {
	struct bpf_map_def def;
	unsigned int id, pinning;
};
struct longer SEC("maps") longer = { { BPF_MAP_TYPE_ARRAY, 4, 8, 16, 0 }, 0, 0 };
struct longer SEC("maps") iproute = { { BPF_MAP_TYPE_ARRAY, 4, 8, 16, 0 }, 0, 2 };

int visible SEC(".data.visible") = 1;
static volatile int unseen SEC(".data.unseen") = 2;
__hidden int hidden SEC(".data.hidden") = 3;

SEC("raw_tp/sys_enter")
int entry(void *ctx)
{
	__u32 key = 0;
	void *inner = bpf_map_lookup_elem(&outer, &key);

	arena_counter += 1;
	arena_other = 7;
	visible += unseen + hidden;
	if (inner)
		bpf_map_lookup_elem(inner, &key);
	bpf_tail_call(ctx, &jumps, 1);
	return 0;
}

SEC("?raw_tp/sys_enter")
int tail(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&legacy, &key) != 0;
}

SEC("raw_tp/sys_enter")
int longer_user(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&longer, &key) != 0;
}

SEC("raw_tp/sys_enter")
int iproute_user(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&iproute, &key) != 0;
}

__noinline int helper(void *ctx)
{
	return bpf_get_prandom_u32();
}
