/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Texts: the part of a record that varies in length.
 *
 * A record keeps room for its longest text at its end, so that no copy has to
 * test more than whether that room is still there.
 */
#pragma once

#include "lane.bpf.h"

#define PAGE_BYTES 4096

static __always_inline void text_none(struct event_text *text, u16 flags)
{
	text->offset_bytes = 0;
	text->size_bytes = 0;
	text->flags = flags;
}

/*
 * Where the next text of at most `room_bytes` goes. There is always that much
 * room, as LANE_RECORD_BYTES is for the longest record; the clamp shows it to
 * the verifier.
 */
#define text_room(lane, room_bytes)                                            \
	({                                                                     \
		u64 __at = (lane)->used;                                       \
		CLAMP(__at, LANE_RECORD_BYTES - (room_bytes));                 \
		(lane)->record + __at;                                         \
	})

static __always_inline void text_take(struct lane *lane, struct event_text *text, u32 size_bytes,
				      u16 flags)
{
	text->offset_bytes = lane->used;
	text->size_bytes = size_bytes;
	text->flags = flags;
	lane->used += size_bytes;
}

/* What a round of a walk returns besides a text's flags: this was not the end. */
#define WALK_GOES_ON (1 << 16)
#define WALK_ROUNDS 16

/*
 * A lap of a walk that is too long for the verifier: up to WALK_ROUNDS rounds of
 * it, until it ends. Rounds and laps are global functions, so that what the verifier
 * has to look at is the sum of steps, rounds and laps, and not their product.
 */
#define WALK_LAP(name, round)                                                  \
	__noinline int name(u32 lane_index)                                    \
	{                                                                      \
		int flags = 0;                                                 \
                                                                               \
		for (int i = 0; i < WALK_ROUNDS; i++) {                        \
			flags = round(lane_index);                             \
			if (!(flags & WALK_GOES_ON))                           \
				break;                                         \
		}                                                              \
		return flags;                                                  \
	}

/* A NUL-terminated string in kernel or user memory, without its NUL. */
static __always_inline void text_string(struct lane *lane, struct event_text *text,
					const void *string, bool user)
{
	/* With one byte more than may be kept, a string that fits and one that does not differ. */
	void *to = text_room(lane, EVENT_PATH_BYTES + 1);
	long size = user ? bpf_probe_read_user_str(to, EVENT_PATH_BYTES + 1, string) :
			   bpf_probe_read_kernel_str(to, EVENT_PATH_BYTES + 1, string);

	/* An empty string gives 0 on Linux 5.10 to 6.12, 1 on 6.16 and later. */
	if (size < 0) {
		text_none(text, TEXT_FAULT);
		return;
	}
	if (!size)
		size = 1;
	/* Without its NUL, for which the limit has room. */
	if (size > EVENT_PATH_BYTES)
		text_take(lane, text, EVENT_PATH_BYTES, TEXT_CUT_END);
	else
		text_take(lane, text, size - 1, 0);
}

/* The user memory from `start` to `end`, as far as it can be read. */
static __always_inline void text_user_block(struct lane *lane, struct event_text *text, u64 start,
					    u64 end)
{
	/* One page more: the verifier cannot see that at + piece <= size. */
	void *to = text_room(lane, EVENT_ARGS_BYTES + PAGE_BYTES);
	u64 size = end > start ? end - start : 0;
	u16 flags = 0;
	u64 done = 0;

	if (size > EVENT_ARGS_BYTES) {
		size = EVENT_ARGS_BYTES;
		flags = TEXT_CUT_END;
	}
	CLAMP(size, EVENT_ARGS_BYTES);
	if (!bpf_probe_read_user(to, size, (void *)start)) {
		text_take(lane, text, size, flags);
		return;
	}

	/* A page is missing: keep what comes before it. */
	for (int i = 0; i < EVENT_ARGS_BYTES / PAGE_BYTES + 1 && done < size; i++) {
		u64 piece = PAGE_BYTES - ((start + done) & (PAGE_BYTES - 1));
		u64 at = done;

		if (piece > size - done)
			piece = size - done;
		CLAMP(piece, PAGE_BYTES);
		CLAMP(at, EVENT_ARGS_BYTES);
		if (bpf_probe_read_user(to + at, piece, (void *)(start + done)))
			break;
		done += piece;
	}
	text_take(lane, text, done, flags | TEXT_FAULT);
}
