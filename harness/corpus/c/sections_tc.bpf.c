/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of traffic control, old and new. */
#include "corpus.h"

SEC("tc")
int on_tc(void *ctx)
{
	return 0;
}

SEC("classifier")
int on_classifier(void *ctx)
{
	return 0;
}

SEC("action")
int on_action(void *ctx)
{
	return 0;
}

SEC("tc/ingress")
int on_tc_ingress(void *ctx)
{
	return 0;
}

SEC("tc/egress")
int on_tc_egress(void *ctx)
{
	return 0;
}

SEC("tcx/ingress")
int on_tcx_ingress(void *ctx)
{
	return 0;
}

SEC("tcx/egress")
int on_tcx_egress(void *ctx)
{
	return 0;
}

SEC("netkit/primary")
int on_netkit_primary(void *ctx)
{
	return 0;
}

SEC("netkit/peer")
int on_netkit_peer(void *ctx)
{
	return 0;
}
