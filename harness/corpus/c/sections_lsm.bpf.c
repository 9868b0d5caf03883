/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of security hooks. Kernel: 5.7, lsm_cgroup 6.0 */
#include "corpus.h"

SEC("lsm/file_open")
int on_lsm_file_open(void *ctx)
{
	return 0;
}

SEC("lsm.s/file_open")
int on_lsm_s_file_open(void *ctx)
{
	return 0;
}

SEC("lsm/bprm_check_security")
int on_lsm_bprm_check_security(void *ctx)
{
	return 0;
}
