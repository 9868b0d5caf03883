//! XDP programs that are values of maps: they run when a packet is redirected
//! through the entry.

use crate::error::{Result, ResultExt};
use crate::map::{Map, UpdateFlag};
use crate::program::Program;
use std::os::fd::{AsFd, AsRawFd};

/// `enum bpf_attach_type`.
pub(super) const DEVMAP: u32 = 33;
pub(super) const CPUMAP: u32 = 35;

impl Map {
    /// Sets an entry of a DEVMAP, DEVMAP_HASH or CPUMAP whose values carry a
    /// program: `target` is the interface's number or the size of the CPU's
    /// queue.
    ///
    /// # Errors
    /// `InvalidInput` for a map of other values; what the kernel says otherwise
    /// (EINVAL for a program of another section than `xdp/devmap` or
    /// `xdp/cpumap`).
    ///
    /// Kernel: 5.8; CPUMAP 5.9
    pub fn update_redirect(&self, key: u32, target: u32, program: &Program) -> Result<()> {
        // struct bpf_devmap_val and struct bpf_cpumap_val are alike.
        let mut value = [0; 8];
        let (number, prog) = value.split_at_mut(4);
        number.copy_from_slice(&target.to_ne_bytes());
        prog.copy_from_slice(&program.as_fd().as_raw_fd().to_ne_bytes());
        self.update(&key.to_ne_bytes(), &value, UpdateFlag::Any)
            .with_context(|| format!("an entry with program {}", program.name()))
    }
}
