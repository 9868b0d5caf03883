/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls a helper that is for GPL programs only, and says to be none. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Proprietary";

SEC("raw_tp/sys_enter")
int not_gpl(void *ctx)
{
	return bpf_get_current_task() == 5;
}
