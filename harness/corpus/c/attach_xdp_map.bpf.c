/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* xdp programs as values of a DEVMAP and of a CPUMAP. */
#include "corpus.h"

__u64 hits;

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

SEC("xdp/devmap")
int on_device(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return XDP_DROP;
}

SEC("xdp/cpumap")
int on_cpu(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return XDP_DROP;
}
