/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of programs about sockets. */
#include "corpus.h"

SEC("socket")
int on_socket(void *ctx)
{
	return 0;
}

SEC("sk_reuseport")
int on_sk_reuseport(void *ctx)
{
	return 1;
}

SEC("sk_reuseport/migrate")
int on_sk_reuseport_migrate(void *ctx)
{
	return 1;
}

SEC("sockops")
int on_sockops(void *ctx)
{
	return 0;
}

SEC("sk_skb")
int on_sk_skb(void *ctx)
{
	return 1;
}

SEC("sk_skb/stream_parser")
int on_sk_skb_stream_parser(void *ctx)
{
	return 1;
}

SEC("sk_skb/stream_verdict")
int on_sk_skb_stream_verdict(void *ctx)
{
	return 1;
}

SEC("sk_skb/verdict")
int on_sk_skb_verdict(void *ctx)
{
	return 1;
}

SEC("sk_msg")
int on_sk_msg(void *ctx)
{
	return 1;
}

SEC("flow_dissector")
int on_flow_dissector(void *ctx)
{
	return BPF_DROP;
}

SEC("sk_lookup")
int on_sk_lookup(void *ctx)
{
	return 1;
}

SEC("lwt_in")
int on_lwt_in(void *ctx)
{
	return 0;
}

SEC("lwt_out")
int on_lwt_out(void *ctx)
{
	return 0;
}

SEC("lwt_xmit")
int on_lwt_xmit(void *ctx)
{
	return 0;
}

SEC("lwt_seg6local")
int on_lwt_seg6local(void *ctx)
{
	return 0;
}
