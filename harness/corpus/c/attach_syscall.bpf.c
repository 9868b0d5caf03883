/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* syscall: is called by the test, with numbers to add. */
#include "corpus.h"

__u64 hits;

struct sum {
	__u64 left;
	__u64 right;
	__u64 sum;
};

SEC("syscall")
int on_call(struct sum *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	ctx->sum = ctx->left + ctx->right;
	return 7;
}
