//! BPF_PROG_LOAD.

use super::attr::{Command, ProgLoadAttr};
use super::{Errno, Result, address, address_mut, bpf, length, owned};
use crate::insn::Insn;
use core::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Verification gives up with EAGAIN when a signal is pending; this many times
/// it is started again.
const AGAIN_LIMIT: u32 = 5;

/// One program to load.
#[derive(Clone, Copy)]
pub(crate) struct ProgLoad<'a> {
    pub(crate) prog_type: u32,
    pub(crate) expected_attach_type: u32,
    pub(crate) prog_flags: u32,
    /// LINUX_VERSION_CODE; only kernels before 5.0 look at it.
    pub(crate) kern_version: u32,
    /// NUL-padded.
    pub(crate) name: [u8; 16],
    pub(crate) license: &'a CStr,
    pub(crate) insns: &'a [Insn],
    /// The object's BTF, without which no records may be given.
    pub(crate) btf: Option<BorrowedFd<'a>>,
    pub(crate) func_info: ExtRecords<'a>,
    pub(crate) line_info: ExtRecords<'a>,
    /// The type that the program attaches to, or 0: in the kernel's BTF, or in
    /// that of `attach_fd`.
    pub(crate) attach_btf_id: u32,
    /// The module's BTF, or the program, that `attach_btf_id` is in.
    /// Kernel: 5.6 for programs, 5.11 for modules
    pub(crate) attach_fd: Option<BorrowedFd<'a>>,
    /// Descriptors that calls of kernel functions count in, from 1: the BTF of
    /// modules. Kernel: 5.16
    pub(crate) fd_array: &'a [BorrowedFd<'a>],
}

/// Records of one size, as in .BTF.ext.
#[derive(Clone, Copy, Default)]
pub(crate) struct ExtRecords<'a> {
    pub(crate) rec_bytes: u32,
    pub(crate) bytes: &'a [u8],
}

impl ExtRecords<'_> {
    fn count(&self) -> Result<u32> {
        match self.rec_bytes {
            0 => Ok(0),
            size => Ok(length(self.bytes.len())? / size),
        }
    }
}

/// Where the verifier writes its log.
pub(crate) struct Log<'a> {
    /// Bits of BPF_LOG_*: 1 and 2 tell more and more, 4 tells statistics.
    pub(crate) level: u32,
    pub(crate) buffer: &'a mut [u8],
    /// The bytes a full log would need; 0 where the kernel does not say.
    ///
    /// Kernel: 6.4
    pub(crate) true_bytes: u32,
}

/// Loads a program.
pub(crate) fn prog_load(prog: &ProgLoad<'_>, mut log: Option<&mut Log<'_>>) -> Result<OwnedFd> {
    let mut attr = ProgLoadAttr {
        prog_type: prog.prog_type,
        insn_count: length(prog.insns.len())?,
        insns: address(prog.insns),
        license: address(prog.license.to_bytes_with_nul()),
        kern_version: prog.kern_version,
        prog_flags: prog.prog_flags,
        prog_name: prog.name,
        expected_attach_type: prog.expected_attach_type,
        attach_btf_id: prog.attach_btf_id,
        attach_fd: prog.attach_fd.map_or(0, super::raw),
        ..ProgLoadAttr::default()
    };
    // Number 0 is vmlinux, whatever is there.
    let first = prog.fd_array.first().copied();
    let fds = first.into_iter().chain(prog.fd_array.iter().copied());
    let fds: Vec<u32> = fds.map(super::raw).collect();
    attr.fd_array = address(&fds);
    if let Some(btf) = prog.btf {
        attr.prog_btf_fd = super::raw(btf);
        attr.func_info_rec_bytes = prog.func_info.rec_bytes;
        attr.func_info_count = prog.func_info.count()?;
        attr.func_info = address(prog.func_info.bytes);
        attr.line_info_rec_bytes = prog.line_info.rec_bytes;
        attr.line_info_count = prog.line_info.count()?;
        attr.line_info = address(prog.line_info.bytes);
    }
    if let Some(log) = log.as_deref_mut() {
        attr.log_level = log.level;
        attr.log_bytes = length(log.buffer.len())?;
        attr.log_buf = address_mut(log.buffer);
    }
    let mut again = 0;
    let loaded = loop {
        match bpf(Command::ProgLoad, &mut attr) {
            Err(Errno::AGAIN) if again < AGAIN_LIMIT => again += 1,
            other => break other,
        }
    };
    if let Some(log) = log {
        log.true_bytes = attr.log_true_bytes;
    }
    loaded.map(owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_without_a_size_count_as_none() {
        assert_eq!(ExtRecords::default().count(), Ok(0));
    }

    #[test]
    fn records_are_counted_by_their_size() {
        let records = ExtRecords {
            rec_bytes: 16,
            bytes: &[0; 48],
        };
        assert_eq!(records.count(), Ok(3));
    }
}
