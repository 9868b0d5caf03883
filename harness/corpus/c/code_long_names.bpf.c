/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names that the kernel cuts off. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} a_map_with_a_name_longer_than_fifteen_bytes SEC(".maps");

__u64 a_variable_with_a_name_longer_than_fifteen_bytes;

SEC("raw_tp/sys_enter")
int a_program_with_a_name_longer_than_fifteen_bytes(void *ctx)
{
	__u32 key = 0;

	a_variable_with_a_name_longer_than_fifteen_bytes++;
	return !!bpf_map_lookup_elem(&a_map_with_a_name_longer_than_fifteen_bytes, &key);
}

SEC("raw_tp/sys_exit")
int a_program_with_a_name_longer_than_fifteen_bytes_too(void *ctx)
{
	return 0;
}
