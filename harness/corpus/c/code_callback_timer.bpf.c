/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A timer's callback, and a value with a timer in it. Kernel: 5.15 */
#include "corpus.h"

struct element {
	__u64 count;
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct element);
} timers SEC(".maps");

static int fired(void *map, __u32 *key, struct element *element)
{
	element->count++;
	return 0;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct element *element = bpf_map_lookup_elem(&timers, &key);

	if (!element)
		return 0;
	bpf_timer_init(&element->timer, &timers, 1);
	bpf_timer_set_callback(&element->timer, fired);
	bpf_timer_start(&element->timer, 1000, 0);
	return 0;
}
