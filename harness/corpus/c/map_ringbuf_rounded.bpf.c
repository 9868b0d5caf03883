/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* max_entries: a ring buffer whose size no kernel takes as it stands. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);
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
