/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Contents: each route by which a file is read or written.
 *
 * What they call in turn may be hooked as well: the second touch is then no
 * news. Deduplicating (FIDEDUPERANGE) changes what is shared, not what is read.
 */
#pragma once

#include "calls.bpf.h"
#include "file_touch.bpf.h"

static __always_inline int returned_read(enum way way, struct file *file, long result)
{
	return result > 0 ? file_touched(way, file, TOUCH_READ, 0) : 0;
}

static __always_inline int returned_write(enum way way, struct file *file, long result)
{
	return result > 0 ? file_touched(way, file, TOUCH_WRITE, 0) : 0;
}

static __always_inline int returned_kernel_write(enum way way, struct file *file, long result)
{
	return result > 0 ? file_touched(way, file, TOUCH_WRITE, FILE_BY_KERNEL) : 0;
}

static __always_inline int returned_fallocate(enum way way, struct file *file, long result)
{
	return (u32)result == 0 ? file_touched(way, file, TOUCH_WRITE, 0) : 0;
}

static __always_inline int returned_copy(enum way way, struct file *from, struct file *to,
					 long result)
{
	if (result <= 0)
		return 0;
	file_touched(way, from, TOUCH_READ, 0);
	file_touched(way, to, TOUCH_WRITE, 0);
	return 0;
}

FILE_CALL_HOOKS(read, "vfs_read", 1, 4, returned_read)
FILE_CALL_HOOKS(readv, "vfs_readv", 1, 5, returned_read)
FILE_CALL_HOOKS(write, "vfs_write", 1, 4, returned_write)
FILE_CALL_HOOKS(writev, "vfs_writev", 1, 5, returned_write)
FILE_CALL_HOOKS(fallocate, "vfs_fallocate", 1, 4, returned_fallocate)
FILE_CALL_HOOKS(kernel_write, "__kernel_write", 1, 4, returned_kernel_write)
FILE_CALL_HOOKS(kernel_write_iter, "__kernel_write_iter", 1, 3, returned_kernel_write)

FILES_CALL_HOOKS(sendfile, "do_splice_direct", 1, 3, 6, returned_copy)
FILES_CALL_HOOKS(splice, "do_splice", 1, 3, 6, returned_copy)
FILE_CALL_HOOKS(splice_to_pipe, "splice_file_to_pipe", 1, 5, returned_read)
FILES_CALL_HOOKS(copy_range, "vfs_copy_file_range", 1, 3, 6, returned_copy)
FILES_CALL_HOOKS(clone_range, "vfs_clone_file_range", 1, 3, 6, returned_copy)

/*
 * io_submit: the submitter still holds the request when this returns, done or
 * not. One that is still under way counts as done: who asked is known only
 * now. Kernel: two references since 5.1
 */
static __always_inline int aio_returned(struct kiocb *kiocb, u32 error, enum touch touch)
{
	struct aio_kiocb *request = (void *)kiocb;

	if (error)
		return 0;
	if (READ(PROBE, request, ki_res.res) <= 0 &&
	    READ(PROBE, request, ki_refcnt.refs.counter) < 2)
		return 0;
	return file_touched(PROBE, READ(PROBE, request, ki_filp), touch, 0);
}

static __always_inline int returned_aio_read(enum way way, void *kiocb, u32 error)
{
	return aio_returned(kiocb, error, TOUCH_READ);
}

static __always_inline int returned_aio_write(enum way way, void *kiocb, u32 error)
{
	return aio_returned(kiocb, error, TOUCH_WRITE);
}

FILE_CALL_HOOKS(aio_read, "aio_read", 1, 4, returned_aio_read)
FILE_CALL_HOOKS(aio_write, "aio_write", 1, 4, returned_aio_write)

/* Source: include/linux/fs.h, the same since 5.10 */
#define IOCB_WRITE (1 << 18)
#define EIOCBQUEUED 529

/*
 * io_uring: a thread of the submitting process has tried. As above, a request
 * that is under way counts as done. A read of more than there is ends with a
 * 0, after parts that are counted elsewhere.
 *
 * `request` is a kiocb on 5.10 and since then an io_kiocb, which begins with
 * it: an address is all that both are good for.
 */
static __always_inline int uring_done(u64 request, long result)
{
	struct kiocb *kiocb = (void *)request;
	struct io_kiocb *whole = (void *)request;
	struct io_async_rw *parts;
	enum touch touch =
		READ(PROBE, kiocb, ki_flags) & IOCB_WRITE ? TOUCH_WRITE : TOUCH_READ;

	if (!result) {
		parts = READ(PROBE, whole, async_data);
		if (!parts || !READ(PROBE, parts, bytes_done))
			return 0;
	} else if (result < 0 && result != -EIOCBQUEUED) {
		return 0;
	}
	return file_touched(PROBE, READ(PROBE, kiocb, ki_filp), touch, 0);
}

SEC("fentry/kiocb_done")
int uring_fentry(u64 *ctx)
{
	return leave(ctx, uring_done(ctx[0], ctx[1]));
}

SEC("kprobe/kiocb_done")
int uring_kprobe(struct pt_regs *ctx)
{
	return leave(ctx, uring_done(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx)));
}
