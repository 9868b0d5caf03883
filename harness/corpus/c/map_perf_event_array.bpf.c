/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_PERF_EVENT_ARRAY: as many elements as there are CPUs. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	__u64 record = 1;

	bpf_perf_event_output(ctx, &a_map, BPF_F_CURRENT_CPU, &record, sizeof(record));
	return 0;
}
