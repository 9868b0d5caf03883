/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* lirc_mode2: counts the signals of an infrared receiver. */
#include "corpus.h"

__u64 hits;

SEC("lirc_mode2")
int on_signal(unsigned int *sample)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
