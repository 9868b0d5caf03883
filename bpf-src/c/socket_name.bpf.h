/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of UNIX sockets: a path, or a NUL and any bytes. */
#pragma once

#include "socket_address.bpf.h"
#include "text.bpf.h"

#define UNIX_NAME_BYTES 108
#define UNIX_FAMILY_BYTES 2

/* A name as a call is given it. */
struct socket_name {
	u32 size_bytes; /* 0: none */
	char bytes[UNIX_NAME_BYTES + 4];
};

/* From the address of so many bytes in the kernel's memory, if it is a UNIX one. */
static __always_inline void name__fill(struct socket_name *name, u64 from, u32 size_bytes)
{
	u64 size = size_bytes - UNIX_FAMILY_BYTES;
	u16 family = 0;

	name->size_bytes = 0;
	if (size_bytes <= UNIX_FAMILY_BYTES ||
	    bpf_probe_read_kernel(&family, sizeof(family), (void *)from) || family != AF_UNIX)
		return;
	CLAMP(size, UNIX_NAME_BYTES);
	if (!bpf_probe_read_kernel(name->bytes, size, (void *)from + UNIX_FAMILY_BYTES))
		name->size_bytes = size;
}

/* A path ends at its first NUL, an abstract name where it ends. */
static __always_inline void text_name_at(struct lane *lane, struct event_text *text,
					 const char *bytes, u32 size_bytes)
{
	void *to = text_room(lane, UNIX_NAME_BYTES + 1);
	u64 size = size_bytes;
	u8 first = 0;
	long length;

	if (!size)
		return;
	CLAMP(size, UNIX_NAME_BYTES);
	bpf_probe_read_kernel(&first, 1, bytes);
	if (!first) {
		bpf_probe_read_kernel(to, size, bytes);
		text_take(lane, text, size, 0);
		return;
	}
	/* With room for a NUL that a path of full length lacks. */
	length = bpf_probe_read_kernel_str(to, size + 1, bytes);
	if (length > 0)
		text_take(lane, text, length - 1, 0);
}

/* From the address of so many bytes in the kernel's memory, if it is a UNIX one. */
static __always_inline void text_given_name(struct lane *lane, struct event_text *text, u64 from,
					    u32 size_bytes)
{
	u16 family = 0;

	bpf_probe_read_kernel(&family, sizeof(family), (void *)from);
	if (family == AF_UNIX && size_bytes > UNIX_FAMILY_BYTES)
		text_name_at(lane, text, (void *)from + UNIX_FAMILY_BYTES,
			     size_bytes - UNIX_FAMILY_BYTES);
}

static __always_inline void text_name(struct lane *lane, struct event_text *text,
				      const struct socket_name *name)
{
	text_name_at(lane, text, name->bytes, name->size_bytes);
}

/* The name that a UNIX socket is bound to, if it is. */
static __always_inline void text_bound_name(enum way way, struct lane *lane,
					    struct event_text *text, struct sock *sk)
{
	struct unix_sock *unix_sock = POINTER(way, struct unix_sock, sk);
	struct unix_address *address = READ(way, unix_sock, addr);

	if (!address)
		return;
	text_name_at(lane, text,
		     (void *)address +
			     bpf_core_field_offset(struct unix_address, name[0].sun_path),
		     READ(way, address, len) - UNIX_FAMILY_BYTES);
}
