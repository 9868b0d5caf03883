//! The fence to the kernel: the only unsafe code of this crate and its only
//! user of libc.
//!
//! One function per command, named after it. Each takes slices and borrowed
//! descriptors and returns owned ones, so that no pointer, length or raw
//! descriptor crosses this line. What a failure means is the caller's
//! business: here an error is an [`Errno`], without a word of context.
//!
//! Every descriptor is close-on-exec; interrupted calls are repeated.
#![allow(unsafe_code)]

mod attach;
mod attr;
mod attr_attach;
mod btf;
mod epoll;
mod errno;
mod file;
mod info;
mod link;
mod lsm;
mod map;
mod map_batch;
mod mapping;
mod memory;
mod netlink;
mod obj;
mod perf;
mod perf_buffer;
mod process;
mod prog;
mod ring;
mod socket;
mod test_run;

pub(crate) use attach::{
    ProgAttach, QueryTarget, knows_link_detach, knows_prog_attach, link_detach, link_update,
    prog_attach, prog_detach, prog_query,
};
pub(crate) use btf::{
    btf_get_fd_by_id, btf_get_next_id, btf_kernel_name, btf_load, link_get_next_id,
    map_get_next_id, prog_get_next_id,
};
pub(crate) use epoll::Epoll;
pub(crate) use errno::Errno;
pub use errno::name as errno_name;
pub(crate) use file::{
    append, fd_inode, fd_path, file_len, names_in, netns_inode, online_cpus, open_append,
    open_read, possible_cpu_numbers, possible_cpus, pread, read_again, read_bytes, read_small,
    read_whole, unlink,
};
pub(crate) use info::{MapInfo, ProgInfo, btf_bytes, link_head, link_info, map_info, prog_info};
pub(crate) use link::{
    Functions, LinkArgs, LinkCreate, LinkTarget, enable_stats_run_time, iter_create, link_create,
    link_create_perf_event, raw_tracepoint_open,
};
pub(crate) use lsm::{LSM_ID_BPF, is_lsm_active};
pub(crate) use map::{
    MapCreate, MapFd, StructOpsCreate, map_create, map_create_struct_ops, map_delete_elem,
    map_freeze, map_get_next_key, map_lookup_and_delete_elem, map_lookup_elem, map_update_elem,
};
pub(crate) use map_batch::{Cursor, map_change_batch, map_lookup_batch};
pub(crate) use mapping::FileMapping;
pub(crate) use memory::MapMemory;
pub(crate) use netlink::RouteSocket;
pub(crate) use obj::{link_get_fd_by_id, map_get_fd_by_id, obj_get, obj_pin, prog_get_fd_by_id};
pub(crate) use perf::{
    Counter, Probe, perf_event_ioc_enable, perf_event_ioc_set_bpf, perf_event_open_counter,
    perf_event_open_probe, perf_event_open_tracepoint,
};
pub(crate) use perf_buffer::{PerfMapping, PerfOutput, monotonic_ns, perf_event_open_output};
pub(crate) use process::{kernel_version, page_bytes, raise_memlock_limit, release};
pub(crate) use prog::{ExtRecords, Log, ProgLoad, prog_load};
pub(crate) use ring::{RingMapping, UserRingMapping};
pub(crate) use socket::{
    if_indextoname, if_nametoindex, so_attach_bpf, so_attach_reuseport_ebpf, so_detach_bpf,
    so_detach_reuseport_bpf,
};
pub(crate) use test_run::{TestRun, prog_test_run};

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// What the functions of this module return.
pub(crate) type Result<T> = core::result::Result<T, Errno>;

/// Sends one bpf(2) command; an interrupted one is sent again.
///
/// Pointers inside `attr` are the caller's: it keeps what they point to alive
/// and large enough until this returns.
fn bpf<A: attr::Attr>(command: attr::Command, attr: &mut A) -> Result<i32> {
    loop {
        // SAFETY: `attr` is a live, exclusively borrowed value without padding
        // (the contract of `Attr`), and its own size is passed with it. The
        // pointers it carries were made from live slices by the function of
        // this module that calls.
        let ret = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                command as libc::c_int,
                core::ptr::from_mut(attr),
                size_of::<A>(),
            )
        };
        match check(ret) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

/// A system call's return value, or the errno it left.
fn check(ret: libc::c_long) -> Result<i32> {
    if ret < 0 {
        return Err(Errno::last());
    }
    // Descriptors and counts of the calls made here fit an int.
    Ok(i32::try_from(ret).unwrap_or(i32::MAX))
}

/// Takes ownership of a descriptor that a system call has just returned.
fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the kernel made `fd` for this call and nobody else holds it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// A descriptor as the kernel's structures carry it.
fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd() as u32
}

/// A descriptor as maps of descriptors take it for a value.
pub(crate) fn fd_bytes(fd: BorrowedFd<'_>) -> [u8; 4] {
    raw(fd).to_ne_bytes()
}

/// An address as the kernel's structures carry it; 0 for an empty slice.
fn address<T>(slice: &[T]) -> u64 {
    if slice.is_empty() {
        return 0;
    }
    slice.as_ptr().expose_provenance() as u64
}

/// The same for memory that the kernel writes to.
fn address_mut<T>(slice: &mut [T]) -> u64 {
    if slice.is_empty() {
        return 0;
    }
    slice.as_mut_ptr().expose_provenance() as u64
}

/// A length as the kernel's structures carry it.
///
/// # Errors
/// E2BIG past 4 GiB, as the kernel would say.
fn length(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| Errno::TOO_BIG)
}
