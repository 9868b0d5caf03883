/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of XDP programs, with and without fragments. */
#include "corpus.h"

SEC("xdp")
int on_xdp(void *ctx)
{
	return XDP_PASS;
}

SEC("xdp/devmap")
int on_xdp_devmap(void *ctx)
{
	return XDP_PASS;
}

SEC("xdp/cpumap")
int on_xdp_cpumap(void *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int on_xdp_frags(void *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags/devmap")
int on_xdp_frags_devmap(void *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags/cpumap")
int on_xdp_frags_cpumap(void *ctx)
{
	return XDP_PASS;
}
