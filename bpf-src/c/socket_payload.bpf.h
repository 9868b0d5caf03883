/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What was sent: the bytes that the kernel took from a program.
 *
 * They are read when the call returns. Its iterator then stands behind the last
 * byte that was taken, so they are found by going back from there: nothing that
 * was refused is told, and a call costs nothing when it begins.
 */
#pragma once

#include "page.bpf.h"
#include "text.bpf.h"

/* The most of one call that can be told: see event_text. */
#define PAYLOAD_MOST 16384
/* Segments of one call that are walked: back and forth. */
#define PAYLOAD_SEGMENTS 128

/* How much is told of what each connection or datagram sends: set at load. */
const volatile u32 payload_bytes = PAYLOAD_MOST;

enum data_kind {
	DATA_USER, /* in the program's memory */
	DATA_KERNEL,
	DATA_PAGES, /* segments name pages, not addresses */
};

/* What all kinds of iterators have: an array of these, or of as large ones. */
struct segment {
	u64 address;
	u64 size_bytes;
};

_Static_assert(sizeof(struct segment) == sizeof(struct iovec), "segments of memory");
_Static_assert(sizeof(struct segment) == sizeof(struct bio_vec), "segments of pages");

/* The segment at `data_segment`, which may not be there to read. */
static __always_inline bool data_segment(struct lane *lane, struct segment *segment)
{
	void *at = (void *)*(volatile u64 *)&lane->data_segment;
	u64 size;

	if (bpf_probe_read_kernel(segment, sizeof(*segment), at))
		return false;
	if (*(volatile u64 *)&lane->data_kind != DATA_PAGES)
		return true;
	/* struct bio_vec: the page, then its length and offset. */
	size = segment->size_bytes;
	segment->address = page_memory(segment->address) + (size >> 32);
	segment->size_bytes = (u32)size;
	return true;
}

/* One segment back: false when the first byte is found, or none is. */
__noinline int data_back(u32 lane_index)
{
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);
	struct segment segment;

	if (!lane)
		return 0;
	lane->data_segment -= sizeof(segment);
	if (!data_segment(lane, &segment)) {
		lane->data_left = 0;
		return 0;
	}
	if (segment.size_bytes >= lane->data_left) {
		lane->data_offset = segment.size_bytes - lane->data_left;
		return 0;
	}
	lane->data_left -= segment.size_bytes;
	return 1;
}

/* One piece of memory to the end of the record. */
static __always_inline bool data_copy(struct lane *lane, u64 from, u64 size)
{
	void *to = text_room(lane, PAYLOAD_MOST);
	long error;

	CLAMP(size, PAYLOAD_MOST);
	if (*(volatile u64 *)&lane->data_kind == DATA_USER)
		error = bpf_probe_read_user(to, size, (void *)from);
	else
		error = bpf_probe_read_kernel(to, size, (void *)from);
	if (error)
		return false;
	lane->used += size;
	lane->data_left -= size;
	return true;
}

/* What of one segment is wanted: false when that was the last, or cannot be read. */
__noinline int data_forth(u32 lane_index)
{
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);
	struct segment segment;
	u64 size;

	if (!lane || !data_segment(lane, &segment))
		return 0;
	size = segment.size_bytes - lane->data_offset;
	if (size > lane->data_left)
		size = lane->data_left;
	if (size && !data_copy(lane, segment.address + lane->data_offset, size))
		return 0;
	lane->data_segment += sizeof(segment);
	lane->data_offset = 0;
	return lane->data_left != 0;
}

/* The kinds' numbers have changed: each is looked up by its name. */
#define ITER_IS(kind, name)                                                                    \
	(bpf_core_enum_value_exists(enum iter_type, name) &&                                   \
	 (kind) == bpf_core_enum_value(enum iter_type, name))

static __always_inline u32 iter_kind(struct iov_iter *iter)
{
	struct iov_iter___type *old = (void *)iter;

	if (bpf_core_field_exists(iter->iter_type))
		return BPF_CORE_READ(iter, iter_type);
	/* With the direction as its lowest bit. */
	return BPF_CORE_READ(old, type) & ~1u;
}

static __always_inline u64 iter_segments(struct iov_iter *iter)
{
	struct iov_iter___iov *old = (void *)iter;

	if (bpf_core_field_exists(iter->__iov))
		return (u64)BPF_CORE_READ(iter, __iov);
	return (u64)BPF_CORE_READ(old, iov);
}

/* Puts `wanted` bytes into the record, which begin `sent` before where the iterator stands. */
static __always_inline void segments_read(struct lane *lane, struct iov_iter *iter, u32 kind,
					  u64 sent, u64 wanted)
{
	u64 offset = BPF_CORE_READ(iter, iov_offset);
	int goes_on = 0;

	if (ITER_IS(kind, ITER_BVEC)) {
		lane->data_kind = DATA_PAGES;
		lane->data_segment = (u64)BPF_CORE_READ(iter, bvec);
	} else {
		lane->data_kind = ITER_IS(kind, ITER_IOVEC) ? DATA_USER : DATA_KERNEL;
		lane->data_segment = iter_segments(iter);
	}
	if (offset >= sent) {
		lane->data_offset = offset - sent;
	} else {
		lane->data_left = sent - offset;
		for (u32 i = 0; i < PAYLOAD_SEGMENTS; i++) {
			goes_on = data_back(lane->index);
			if (!goes_on)
				break;
		}
		if (goes_on || !*(volatile u64 *)&lane->data_left)
			return;
	}
	lane->data_left = wanted;
	for (u32 i = 0; i < PAYLOAD_SEGMENTS && data_forth(lane->index); i++)
		;
}

/*
 * The first `wanted` of the `sent` bytes that were taken from the message, as
 * the record's payload. Flagged where some of them cannot be read.
 */
__noinline int payload_read(u32 lane_index, u64 sent, u64 wanted)
{
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);
	struct event_text *payload;
	struct iov_iter *iter;
	u32 kind, start, size;

	if (!lane)
		return 0;
	iter = &((struct msghdr *)*(volatile u64 *)&lane->data_message)->msg_iter;
	payload = &lane->event.socket.payload;
	start = lane->used;
	kind = iter_kind(iter);
	if (ITER_IS(kind, ITER_UBUF)) {
		lane->data_kind = DATA_USER;
		data_copy(lane,
			  (u64)BPF_CORE_READ(iter, ubuf) + BPF_CORE_READ(iter, iov_offset) - sent,
			  wanted);
	} else if (ITER_IS(kind, ITER_IOVEC) || ITER_IS(kind, ITER_KVEC) ||
		   ITER_IS(kind, ITER_BVEC)) {
		segments_read(lane, iter, kind, sent, wanted);
	}
	size = lane->used - start;
	payload->offset_bytes = start;
	payload->size_bytes = size;
	payload->flags = size < wanted ? TEXT_FAULT : wanted < sent ? TEXT_CUT_END : 0;
	return 0;
}

/* A page's first `wanted` bytes from `offset` on, likewise. */
__noinline int payload_read_page(u32 lane_index, u64 page, u64 offset, u64 wanted)
{
	struct lane *lane = bpf_map_lookup_elem(&lanes, &lane_index);
	struct event_text *payload;
	u32 start;

	if (!lane)
		return 0;
	payload = &lane->event.socket.payload;
	start = lane->used;
	lane->data_kind = DATA_KERNEL;
	data_copy(lane, page_memory(page) + offset, wanted);
	payload->offset_bytes = start;
	payload->size_bytes = lane->used - start;
	payload->flags = payload->size_bytes < wanted ? TEXT_FAULT : 0;
	return 0;
}

static __always_inline void payload_take(struct lane *lane, u64 message, u64 sent, u64 wanted)
{
	/* A pointer that is stored becomes a number, which a global function may take. */
	*(volatile u64 *)&lane->data_message = message;
	payload_read(lane->index, sent, wanted);
}
