//! Objects of the kernel by path and by number: BPF_OBJ_PIN, BPF_OBJ_GET and
//! the commands that turn a number into a descriptor.

use super::attr::Command;
use super::attr_attach::{GetFdByIdAttr, ObjAttr};
use super::{Result, address, bpf, owned};
use core::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Gives a map, program or link a name in a bpf file system, which keeps it.
///
/// Kernel: 4.4; links 5.7
pub(crate) fn obj_pin(object: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    let mut attr = ObjAttr {
        pathname: address(path.to_bytes_with_nul()),
        bpf_fd: super::raw(object),
        file_flags: 0,
    };
    bpf(Command::ObjPin, &mut attr).map(drop)
}

/// Opens what was pinned there, whatever it is.
///
/// Kernel: 4.4
pub(crate) fn obj_get(path: &CStr) -> Result<OwnedFd> {
    let mut attr = ObjAttr {
        pathname: address(path.to_bytes_with_nul()),
        ..ObjAttr::default()
    };
    bpf(Command::ObjGet, &mut attr).map(owned)
}

/// Opens the program with that number.
///
/// Kernel: 4.13
pub(crate) fn prog_get_fd_by_id(id: u32) -> Result<OwnedFd> {
    by_id(Command::ProgGetFdById, id)
}

/// Opens the map with that number.
///
/// Kernel: 4.13
pub(crate) fn map_get_fd_by_id(id: u32) -> Result<OwnedFd> {
    by_id(Command::MapGetFdById, id)
}

/// Opens the link with that number.
///
/// Kernel: 5.8
pub(crate) fn link_get_fd_by_id(id: u32) -> Result<OwnedFd> {
    by_id(Command::LinkGetFdById, id)
}

fn by_id(command: Command, id: u32) -> Result<OwnedFd> {
    let mut attr = GetFdByIdAttr {
        id,
        ..GetFdByIdAttr::default()
    };
    bpf(command, &mut attr).map(owned)
}
