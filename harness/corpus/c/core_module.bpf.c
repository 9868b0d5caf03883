/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CO-RE in a module: the virtio console is one on 6.1, part of the kernel later. */
#include "corpus.h"

struct CORE port_buffer {
	unsigned long size;
};

__u64 value;
__u64 hits;

SEC("raw_tp/sys_enter")
int on_sys_enter(void *ctx)
{
	value = bpf_core_field_exists(((struct port_buffer *)0)->size) |
		bpf_core_type_size(struct port_buffer) << 1;
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
