/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lanes: where records are built, numbered and sent.
 *
 * A record with several paths is too large for the stack, and its size is only
 * known when it is built, so it grows in scratch memory and is then copied into
 * the ring buffer. Per-CPU scratch alone is not safe: tracing programs can be
 * interrupted by, and since Linux 5.12 preempted for, other programs on the
 * same CPU. So each CPU has several lanes, and a program owns one from claim
 * to release.
 *
 * Claiming is two steps, not one atomic one (BPF atomics that return a value
 * need Linux 5.12). An interrupt between the two steps ends before the second,
 * so it does no harm. Preemption there could give one lane to two programs:
 * the owner is checked again before the record is sent, and the record counted
 * as lost if the lane has changed hands.
 *
 * Every record takes the next number of its lane, sent or not. So a gap in the
 * stream is a loss, and the counters below say why.
 */
#pragma once

#include "event.h"
#include "read.bpf.h"

#define LANES_PER_CPU 2
#define LANE_FIXED_BYTES 512
/* The longest record, an exec with six paths, and a page of slack. */
#define LANE_RECORD_BYTES \
	(LANE_FIXED_BYTES + 6 * EVENT_PATH_BYTES + 2 * EVENT_ARGS_BYTES + 4096)
/* A name is copied before its length is known to fit: room for one more. */
#define LANE_PATH_BYTES (EVENT_PATH_BYTES + 256)

struct lane {
	u64 owner; /* 0: free */
	u64 sequence; /* number of the next record */
	u32 used; /* bytes of the record so far */
	u32 index; /* of this lane in the map */
	u64 waiting_bytes; /* of the finished record that waits for `leave` */
	u64 walk_mount; /* see path_walk */
	u64 walk_dentry;
	u64 walk_at;
	u64 strings_list; /* see strings_walk */
	u64 strings_pointer_bytes;
	u64 strings_done;
	u64 data_message; /* see payload_take */
	u64 data_segment;
	u64 data_offset;
	u64 data_left;
	u64 data_kind;
	union {
		union event event; /* the fixed part */
		u8 record[LANE_RECORD_BYTES];
	};
	u64 path_front[2]; /* words of a name may reach here: see name_copy */
	u8 path[LANE_PATH_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
} events SEC(".maps"); /* max_entries: set at load; and the type, see by_perf */

/*
 * `events` is a perf event array: where there is no ring buffer, or none is wanted.
 * Set at load. Such a record is sent with the program's context, which only the
 * program itself has: it waits in its lane until then.
 */
const volatile bool by_perf = false;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LANES_PER_CPU); /* times the CPUs: set at load */
	__type(key, u32);
	__type(value, struct lane);
} lanes SEC(".maps");

/*
 * The reader is woken when so many bytes more wait for it, a power of two, and
 * by every record that comes when the ring is nearly full: set at load. It looks
 * by itself after a while, so a few records may wait without a wake-up.
 */
const volatile u64 wake_bytes = 1;
const volatile u64 nearly_full_bytes = 1;

#define RING_HEADER_BYTES 8 /* before each record, which fills words of eight bytes */

/*
 * Two that ask at the same time may both be short of the mark that they pass
 * together: then the next one wakes.
 */
static __always_inline u64 wake_flags(u64 size_bytes)
{
	u64 before = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	u64 after = (before + size_bytes + RING_HEADER_BYTES + 7) & ~7ULL;

	if (after >= nearly_full_bytes || (before ^ after) & ~(wake_bytes - 1))
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* What was lost, and why: one row for each CPU. */
struct cpu_losses {
	u64 lost[LOSS_CAUSES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* the CPUs: set at load */
	__type(key, u32);
	__type(value, struct cpu_losses);
} losses SEC(".maps");

static __always_inline void loss_count(enum event_loss cause)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct cpu_losses *row = bpf_map_lookup_elem(&losses, &cpu);

	if (row)
		__sync_fetch_and_add(&row->lost[cause], 1);
}

/* What waits under this key in a map, if anything, waits no more. */
#define WAITING_FORGET(map, key)                                               \
	do {                                                                   \
		/* Most often nothing does, and looking is cheaper. */         \
		if (bpf_map_lookup_elem(map, key))                             \
			bpf_map_delete_elem(map, key);                         \
	} while (0)

static __always_inline struct lane *lane_claim(u64 owner)
{
	u32 first = bpf_get_smp_processor_id() * LANES_PER_CPU;

#pragma unroll
	for (u32 i = 0; i < LANES_PER_CPU; i++) {
		u32 index = first + i;
		struct lane *lane = bpf_map_lookup_elem(&lanes, &index);

		if (!lane || *(volatile u64 *)&lane->owner)
			continue;
		*(volatile u64 *)&lane->owner = owner;
		lane->index = index;
		return lane;
	}
	loss_count(LOSS_NO_LANE);
	return NULL;
}

/* False, and counted, if another program has taken the lane meanwhile. */
static __always_inline bool lane_is_owned(struct lane *lane, u64 owner)
{
	if (*(volatile u64 *)&lane->owner == owner)
		return true;
	loss_count(LOSS_LANE_TAKEN);
	return false;
}

static __always_inline void lane_release(struct lane *lane)
{
	*(volatile u64 *)&lane->owner = 0;
}

/* Fills in the header of a record and takes its number. */
static __always_inline void header__fill(struct lane *lane, struct event_header *header,
					 enum event_kind kind, u32 size_bytes)
{
	header->size_bytes = size_bytes;
	header->kind = kind;
	header->format_version = EVENT_FORMAT_VERSION;
	header->time_ns = bpf_ktime_get_boot_ns();
	header->sequence = lane->sequence++;
	header->cpu = lane->index / LANES_PER_CPU;
	header->lane = lane->index % LANES_PER_CPU;
}

/* The record waits for `leave`, in its lane, which it keeps until then. */
static __always_inline void lane_wait(struct lane *lane, const void *record, u64 size_bytes)
{
	if (record != lane->record)
		bpf_probe_read_kernel(lane->record, size_bytes, record);
	lane->waiting_bytes = size_bytes;
}

/*
 * Sends `record`, whose header is filled in and which can hold `room_bytes`,
 * and gives the lane back. True if the record is in the ring.
 */
#define lane_send(lane, claimant, record, size_bytes, room_bytes)              \
	({                                                                     \
		u64 __size = (size_bytes);                                     \
		bool __sent = false;                                           \
		CLAMP(__size, room_bytes);                                     \
		if (lane_is_owned(lane, claimant)) {                           \
			if (by_perf) {                                         \
				lane_wait(lane, record, __size);               \
				__sent = true;                                 \
			} else {                                               \
				if (bpf_ringbuf_output(&events, record, __size, \
						       wake_flags(__size)))    \
					loss_count(LOSS_RING_FULL);            \
				else                                           \
					__sent = true;                         \
				lane_release(lane);                            \
			}                                                      \
		}                                                              \
		__sent;                                                        \
	})

/*
 * Sends what waits in this CPU's lanes for this task. A program that interrupts
 * another of the same task sends its records as well, which are whole.
 */
static __noinline int lanes_send(void *ctx)
{
	u32 first = bpf_get_smp_processor_id() * LANES_PER_CPU;
	u64 owner = bpf_get_current_task();

#pragma unroll
	for (u32 i = 0; i < LANES_PER_CPU; i++) {
		u32 index = first + i;
		struct lane *lane = bpf_map_lookup_elem(&lanes, &index);
		u64 size;

		if (!lane || *(volatile u64 *)&lane->owner != owner || !lane->waiting_bytes)
			continue;
		size = lane->waiting_bytes;
		lane->waiting_bytes = 0;
		CLAMP(size, LANE_RECORD_BYTES);
		if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, lane->record, size))
			loss_count(LOSS_RING_FULL);
		lane_release(lane);
	}
	return 0;
}

/* What every program returns by. */
#define leave(ctx, result)                                                     \
	({                                                                     \
		int __result = (result);                                       \
		if (by_perf)                                                   \
			lanes_send(ctx);                                       \
		__result;                                                      \
	})
