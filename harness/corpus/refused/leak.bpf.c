/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reserves a record and forgets it. */
#include "../c/corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
} events SEC(".maps");

SEC("raw_tp/sys_enter")
int forgets_a_record(void *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);

	if (record)
		*record = 1;
	return 0;
}
