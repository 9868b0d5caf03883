//! The BTF commands: loading an object's, finding the kernel's.

use super::attr::{BtfInfoOut, BtfLoadAttr, Command, IdAttr, InfoAttr};
use super::{Result, address, address_mut, bpf, length, owned};
use std::os::fd::{BorrowedFd, OwnedFd};

/// Loads an object's BTF; with a `log`, the kernel says there what it dislikes.
pub(crate) fn btf_load(btf: &[u8], log: Option<&mut [u8]>) -> Result<OwnedFd> {
    let mut attr = BtfLoadAttr {
        btf: address(btf),
        btf_bytes: length(btf.len())?,
        ..BtfLoadAttr::default()
    };
    if let Some(log) = log {
        attr.log_level = 1;
        attr.log_bytes = length(log.len())?;
        attr.log_buf = address_mut(log);
    }
    bpf(Command::BtfLoad, &mut attr).map(owned)
}

/// The lowest BTF id above `id`, which may be 0.
///
/// # Errors
/// ENOENT after the last one; EPERM without CAP_SYS_ADMIN.
///
/// Kernel: 5.4
pub(crate) fn btf_get_next_id(id: u32) -> Result<u32> {
    next_id(Command::BtfGetNextId, id)
}

/// The same of programs. Kernel: 4.13
pub(crate) fn prog_get_next_id(id: u32) -> Result<u32> {
    next_id(Command::ProgGetNextId, id)
}

/// The same of maps. Kernel: 4.13
pub(crate) fn map_get_next_id(id: u32) -> Result<u32> {
    next_id(Command::MapGetNextId, id)
}

/// The same of links. Kernel: 5.8
pub(crate) fn link_get_next_id(id: u32) -> Result<u32> {
    next_id(Command::LinkGetNextId, id)
}

fn next_id(command: Command, id: u32) -> Result<u32> {
    let mut attr = IdAttr {
        id,
        ..IdAttr::default()
    };
    bpf(command, &mut attr)?;
    Ok(attr.next_id)
}

/// Opens the BTF with that id.
///
/// # Errors
/// ENOENT where it is gone.
pub(crate) fn btf_get_fd_by_id(id: u32) -> Result<OwnedFd> {
    let mut attr = IdAttr {
        id,
        ..IdAttr::default()
    };
    bpf(Command::BtfGetFdById, &mut attr).map(owned)
}

/// The name of a BTF that is the kernel's own: `vmlinux` or that of a module;
/// nothing for one that was loaded.
///
/// # Errors
/// E2BIG on a kernel whose modules have no BTF.
///
/// Kernel: 5.11
pub(crate) fn btf_kernel_name(btf: BorrowedFd<'_>) -> Result<Option<String>> {
    // Names of modules have at most 55 bytes.
    let mut name = [0u8; 64];
    let mut out = BtfInfoOut {
        name: address_mut(&mut name),
        name_bytes: length(name.len())?,
        ..BtfInfoOut::default()
    };
    let mut attr = InfoAttr {
        bpf_fd: super::raw(btf),
        info_bytes: length(size_of::<BtfInfoOut>())?,
        info: core::ptr::from_mut(&mut out).expose_provenance() as u64,
    };
    bpf(Command::ObjGetInfoByFd, &mut attr)?;
    let is_kernel = out.is_kernel != 0;
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(0);
    let name = String::from_utf8_lossy(name.get(..end).unwrap_or_default());
    Ok(is_kernel.then(|| name.into_owned()))
}
