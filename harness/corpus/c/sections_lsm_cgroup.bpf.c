/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A security hook for a control group. Kernel: 6.0 */
#include "corpus.h"

SEC("lsm_cgroup/socket_bind")
int on_lsm_cgroup_socket_bind(void *ctx)
{
	return 1;
}
