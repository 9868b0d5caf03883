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
int target_tgid;

SEC("raw_tp/sys_enter")
int on_sys_enter(void *ctx)
{
	__u32 zero = 0;
	__u64 *count;

	if (bpf_get_current_pid_tgid() >> 32 != (__u32)target_tgid)
		return 0;
	hits++;
	bpf_ringbuf_output(&large, &hits, sizeof(hits), 0);
	if (!bpf_ringbuf_output(&small, &hits, sizeof(hits), 0))
		return 0;
	count = bpf_map_lookup_elem(&lost, &zero);
	if (count)
		(*count)++;
	return 0;
}
