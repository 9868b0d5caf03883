//! The compiled eBPF objects, as `build.rs` made them from `c/` and packed them.
//!
//! ```
//! use trapline_loader::spec::ObjectSpec;
//! use trapline_sensors::objects;
//!
//! # fn main() -> trapline_loader::Result<()> {
//! for object in objects::ALL {
//!     let spec = ObjectSpec::parse(object.name(), &object.unpack()?)?;
//!     println!("{}: {} programs, {} maps", spec.name, spec.programs.len(), spec.maps.len());
//!     # assert_eq!(spec.skipped, []);
//! }
//! # Ok(()) }
//! ```

use std::io::Read;

use lzma_rust2::LzmaReader;
use trapline_loader::{Error, Result};

/// More than reading any of them takes, in KiB.
const MEMORY_MOST_KIB: u32 = 16 << 10;

/// A compiled object, packed: this program carries several megabytes of them, which
/// differ little from one another.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
    name: &'static str,
    lzma: &'static [u8],
}

impl Packed {
    /// The name of its source without `.bpf.c`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The ELF file.
    ///
    /// # Errors
    /// Bytes that have changed since this program was built.
    pub fn unpack(&self) -> Result<Vec<u8>> {
        let mut object = Vec::new();
        LzmaReader::new_mem_limit(self.lzma, MEMORY_MOST_KIB, None)
            .and_then(|mut reader| reader.read_to_end(&mut object))
            .map_err(|error| {
                Error::invalid_input(format!(
                    "the object {} in this program is damaged: {error}; install the program anew",
                    self.name
                ))
            })?;
        Ok(object)
    }
}

macro_rules! packed {
    ($name:literal) => {
        Packed {
            name: $name,
            lzma: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".lzma")),
        }
    };
}

/// Process events: fork, exec, exit; both flavours of each hook.
pub static PROCESS: Packed = packed!("process");

/// Mount events: made, moved, changed, ended.
pub static MOUNT: Packed = packed!("mount");

/// File events: names that come, move and go, contents that are read and change.
pub static FILE: Packed = packed!("file");

/// Network events: sockets, what they connect to, send and receive.
pub static NETWORK: Packed = packed!("network");

/// Cuts a host off the network: see [`isolate`](crate::isolate). No sensor.
pub static ISOLATE: Packed = packed!("isolate");

/// Every object.
pub static ALL: &[&Packed] = &[&PROCESS, &FILE, &MOUNT, &NETWORK, &ISOLATE];

/// Every object's name and ELF file.
///
/// # Errors
/// As [`Packed::unpack`].
pub fn unpacked() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let objects = ALL.iter();
    objects
        .map(|object| Ok((object.name(), object.unpack()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_object_is_an_error_that_names_it() {
        let cut = Packed {
            name: "process",
            lzma: &PROCESS.lzma[..PROCESS.lzma.len() / 2],
        };
        let error = cut.unpack().unwrap_err().to_string();
        assert!(
            error.starts_with("the object process in this program is damaged"),
            "{error}"
        );
    }

    #[test]
    fn objects_are_elf_files() {
        for object in ALL {
            assert_eq!(object.unpack().unwrap().get(..4), Some(&b"\x7fELF"[..]));
        }
    }
}
