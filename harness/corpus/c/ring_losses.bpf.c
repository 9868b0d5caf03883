/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two ring buffers, and a map that counts what found no room in the first. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} large SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

__u64 hits;

SEC("ksyscall/setdomainname")
int on_setdomainname(void *ctx)
{
	__u64 number = hits, *count;
	__u32 zero = 0;

	__sync_fetch_and_add(&hits, 1);
	bpf_ringbuf_output(&large, &number, sizeof(number), 0);
	if (!bpf_ringbuf_output(&small, &number, sizeof(number), 0))
		return 0;
	count = bpf_map_lookup_elem(&lost, &zero);
	if (count)
		*count += 1;
	return 0;
}
