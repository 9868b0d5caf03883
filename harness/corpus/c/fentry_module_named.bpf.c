/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* fentry of a function in a module that the section names: on 6.1 alone. */
#include "corpus.h"

__u64 hits;

SEC("fentry/virtio_console:port_fops_open")
int BPF_PROG(on_open)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
