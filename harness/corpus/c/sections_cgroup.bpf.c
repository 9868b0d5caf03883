/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of programs of control groups. */
#include "corpus.h"

SEC("cgroup_skb/ingress")
int on_cgroup_skb_ingress(void *ctx)
{
	return 1;
}

SEC("cgroup_skb/egress")
int on_cgroup_skb_egress(void *ctx)
{
	return 1;
}

SEC("cgroup/skb")
int on_cgroup_skb(void *ctx)
{
	return 1;
}

SEC("cgroup/sock_create")
int on_cgroup_sock_create(void *ctx)
{
	return 1;
}

SEC("cgroup/sock_release")
int on_cgroup_sock_release(void *ctx)
{
	return 1;
}

SEC("cgroup/sock")
int on_cgroup_sock(void *ctx)
{
	return 1;
}

SEC("cgroup/post_bind4")
int on_cgroup_post_bind4(void *ctx)
{
	return 1;
}

SEC("cgroup/post_bind6")
int on_cgroup_post_bind6(void *ctx)
{
	return 1;
}

SEC("cgroup/bind4")
int on_cgroup_bind4(void *ctx)
{
	return 1;
}

SEC("cgroup/bind6")
int on_cgroup_bind6(void *ctx)
{
	return 1;
}

SEC("cgroup/connect4")
int on_cgroup_connect4(void *ctx)
{
	return 1;
}

SEC("cgroup/connect6")
int on_cgroup_connect6(void *ctx)
{
	return 1;
}

SEC("cgroup/sendmsg4")
int on_cgroup_sendmsg4(void *ctx)
{
	return 1;
}

SEC("cgroup/sendmsg6")
int on_cgroup_sendmsg6(void *ctx)
{
	return 1;
}

SEC("cgroup/recvmsg4")
int on_cgroup_recvmsg4(void *ctx)
{
	return 1;
}

SEC("cgroup/recvmsg6")
int on_cgroup_recvmsg6(void *ctx)
{
	return 1;
}

SEC("cgroup/getpeername4")
int on_cgroup_getpeername4(void *ctx)
{
	return 1;
}

SEC("cgroup/getpeername6")
int on_cgroup_getpeername6(void *ctx)
{
	return 1;
}

SEC("cgroup/getsockname4")
int on_cgroup_getsockname4(void *ctx)
{
	return 1;
}

SEC("cgroup/getsockname6")
int on_cgroup_getsockname6(void *ctx)
{
	return 1;
}

SEC("cgroup/sysctl")
int on_cgroup_sysctl(void *ctx)
{
	return 1;
}

SEC("cgroup/getsockopt")
int on_cgroup_getsockopt(void *ctx)
{
	return 1;
}

SEC("cgroup/setsockopt")
int on_cgroup_setsockopt(void *ctx)
{
	return 1;
}

SEC("cgroup/dev")
int on_cgroup_dev(void *ctx)
{
	return 1;
}
