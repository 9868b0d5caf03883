/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Uses what a lookup returned without asking whether there is anything; its
 * neighbour asks. */
#include "../c/corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_setdomainname")
int unchecked(void *ctx)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	*count += 1;
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_setdomainname")
int checked(void *ctx)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	if (count)
		*count += 1;
	return 0;
}
