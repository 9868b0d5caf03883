/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of programs about Unix sockets of control groups. Kernel: 6.7 */
#include "corpus.h"

SEC("cgroup/connect_unix")
int on_cgroup_connect_unix(void *ctx)
{
	return 1;
}

SEC("cgroup/sendmsg_unix")
int on_cgroup_sendmsg_unix(void *ctx)
{
	return 1;
}

SEC("cgroup/recvmsg_unix")
int on_cgroup_recvmsg_unix(void *ctx)
{
	return 1;
}

SEC("cgroup/getpeername_unix")
int on_cgroup_getpeername_unix(void *ctx)
{
	return 1;
}

SEC("cgroup/getsockname_unix")
int on_cgroup_getsockname_unix(void *ctx)
{
	return 1;
}
