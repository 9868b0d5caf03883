//! BPF_OBJ_GET_INFO_BY_FD for programs, maps and links.
//!
//! The kernel writes as much of a structure as it knows and says how much that
//! was; a field past that end is `None`.

use super::attr::{Attr, BtfInfoOut, Command, InfoAttr, LinkInfoOut, MapInfoOut, ProgInfoOut};
use super::attr_attach::LinkHeadOut;
use super::{Errno, Result, bpf};
use core::mem::offset_of;
use std::os::fd::BorrowedFd;

/// What the kernel says about a program.
pub(crate) struct ProgInfo {
    pub(crate) prog_type: u32,
    pub(crate) id: u32,
    /// NUL-padded.
    pub(crate) name: [u8; 16],
    /// 0 where it has none.
    pub(crate) btf_id: u32,
    pub(crate) tag: [u8; 8],
    pub(crate) jited_bytes: u32,
    pub(crate) xlated_bytes: u32,
    pub(crate) load_time_ns: u64,
    pub(crate) run_time_ns: u64,
    pub(crate) run_count: u64,
    /// Kernel: 5.12
    pub(crate) recursion_misses: Option<u64>,
    /// Kernel: 5.16
    pub(crate) verified_insns: Option<u32>,
}

/// What the kernel says about a map.
#[derive(Debug)]
pub(crate) struct MapInfo {
    pub(crate) id: u32,
    pub(crate) map_type: u32,
    pub(crate) key_bytes: u32,
    pub(crate) value_bytes: u32,
    pub(crate) max_entries: u32,
    pub(crate) map_flags: u32,
    /// NUL-padded. Kernel: 4.15
    pub(crate) name: [u8; 16],
    /// 0 before 5.16, which had none.
    pub(crate) map_extra: u64,
}

/// What the kernel says about any link.
pub(crate) struct LinkHead {
    pub(crate) link_type: u32,
    pub(crate) id: u32,
    pub(crate) prog_id: u32,
    /// By type.
    pub(crate) target: [u8; 32],
}

/// What the kernel says about a link.
pub(crate) struct LinkInfo {
    pub(crate) id: u32,
    /// Kernel: 6.7, for kprobes
    pub(crate) missed: Option<u64>,
}

/// The missed count before the kernel wrote one.
const NOT_WRITTEN: u64 = u64::MAX;

/// BPF_LINK_TYPE_PERF_EVENT, and the kinds of probe inside it.
const LINK_TYPE_PERF_EVENT: u32 = 7;
const PERF_EVENT_KPROBE: u32 = 3;
const PERF_EVENT_KRETPROBE: u32 = 4;

/// Fills `out` and returns the bytes of it that the kernel knows.
fn obj_get_info_by_fd<T: Attr>(fd: BorrowedFd<'_>, out: &mut T) -> Result<usize> {
    let mut attr = InfoAttr {
        bpf_fd: super::raw(fd),
        info_bytes: super::length(size_of::<T>())?,
        info: core::ptr::from_mut(out).expose_provenance() as u64,
    };
    bpf(Command::ObjGetInfoByFd, &mut attr)?;
    Ok(attr.info_bytes as usize)
}

/// Facts about a program.
pub(crate) fn prog_info(prog: BorrowedFd<'_>) -> Result<ProgInfo> {
    let mut out = ProgInfoOut::default();
    let known_bytes = obj_get_info_by_fd(prog, &mut out)?;
    let knows = |end: usize| known_bytes >= end;
    let misses_end = offset_of!(ProgInfoOut, recursion_misses) + 8;
    let verified_end = offset_of!(ProgInfoOut, verified_insns) + 4;
    Ok(ProgInfo {
        prog_type: out.prog_type,
        id: out.id,
        name: out.name,
        btf_id: out.btf_id,
        tag: out.tag,
        jited_bytes: out.jited_bytes,
        xlated_bytes: out.xlated_bytes,
        load_time_ns: out.load_time_ns,
        run_time_ns: out.run_time_ns,
        run_count: out.run_count,
        recursion_misses: knows(misses_end).then_some(out.recursion_misses),
        verified_insns: knows(verified_end).then_some(out.verified_insns),
    })
}

/// Facts about a map.
pub(crate) fn map_info(map: BorrowedFd<'_>) -> Result<MapInfo> {
    let mut out = MapInfoOut::default();
    obj_get_info_by_fd(map, &mut out)?;
    Ok(MapInfo {
        id: out.id,
        map_type: out.map_type,
        key_bytes: out.key_bytes,
        value_bytes: out.value_bytes,
        max_entries: out.max_entries,
        map_flags: out.map_flags,
        name: out.name,
        map_extra: out.map_extra,
    })
}

/// What a link is, and what it links.
pub(crate) fn link_head(link: BorrowedFd<'_>) -> Result<LinkHead> {
    let mut out = LinkHeadOut::default();
    obj_get_info_by_fd(link, &mut out)?;
    Ok(LinkHead {
        link_type: out.link_type,
        id: out.id,
        prog_id: out.prog_id,
        target: out.target,
    })
}

/// Facts about a link.
///
/// A kernel that has no missed count either leaves our mark in its place or
/// refuses a structure that is not zero past the end it knows; links of other
/// kinds read something else in its place, and may refuse that.
pub(crate) fn link_info(link: BorrowedFd<'_>) -> Result<LinkInfo> {
    let mut out = LinkInfoOut {
        missed: NOT_WRITTEN,
        ..LinkInfoOut::default()
    };
    match obj_get_info_by_fd(link, &mut out) {
        Err(Errno::TOO_BIG | Errno::INVAL) => {
            out.missed = 0;
            obj_get_info_by_fd(link, &mut out)?;
            out.missed = NOT_WRITTEN;
        }
        other => drop(other?),
    }
    let is_kprobe = out.link_type == LINK_TYPE_PERF_EVENT
        && matches!(out.perf_type, PERF_EVENT_KPROBE | PERF_EVENT_KRETPROBE);
    Ok(LinkInfo {
        id: out.id,
        missed: (is_kprobe && out.missed != NOT_WRITTEN).then_some(out.missed),
    })
}

/// The bytes of a BTF.
///
/// # Errors
/// E2BIG where they are more than `limit_bytes`, and what the kernel says.
///
/// Kernel: 4.18
pub(crate) fn btf_bytes(btf: BorrowedFd<'_>, limit_bytes: u32) -> Result<Vec<u8>> {
    let mut out = BtfInfoOut::default();
    obj_get_info_by_fd(btf, &mut out)?;
    if out.btf_bytes > limit_bytes {
        return Err(Errno::TOO_BIG);
    }
    let mut bytes = vec![0; out.btf_bytes as usize];
    out.btf = super::address_mut(&mut bytes);
    obj_get_info_by_fd(btf, &mut out)?;
    bytes.truncate(out.btf_bytes as usize);
    Ok(bytes)
}
