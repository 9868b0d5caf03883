/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF_MAP_TYPE_RINGBUF: records for user space, for all CPUs. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} a_map SEC(".maps");

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&a_map, sizeof(*record), 0);

	if (!record)
		return 0;
	*record = 1;
	bpf_ringbuf_submit(record, 0);
	return 0;
}
