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

use std::io::{self, Read};

use lzma_rust2::LzmaReader;
use trapline_loader::{Error, Result};

use format::Parts;

mod format;

/// A compiled object, packed: this program carries several megabytes of them, which
/// differ little from one another.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
    name: &'static str,
    packed: &'static [u8],
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
        self.read().map_err(|error| {
            Error::invalid_input(format!(
                "the object {} in this program is damaged: {error}; install the program anew",
                self.name
            ))
        })
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let parts = match self.name {
            format::SHARED => self.parts(None),
            _ => self.parts(Some(&MOUNT.parts(None)?)),
        };
        let object = parts?.into_object();
        object.ok_or_else(|| io::Error::other("one part is shorter than the other says"))
    }

    /// Its parts; what the first was read with is not in memory any more when the second is.
    fn parts(&self, shared: Option<&Parts>) -> io::Result<Parts> {
        let mut packed = self.packed;
        let mut word = || {
            let mut bytes = [0; format::HEADER_BYTES / 4];
            packed.read_exact(&mut bytes)?;
            io::Result::Ok(u32::from_le_bytes(bytes) as usize)
        };
        let (object_bytes, ext_at, ext_bytes, packed_bytes) = (word()?, word()?, word()?, word()?);
        let (most, ext) = packed.split_at(packed_bytes.min(packed.len()));
        let most_bytes = object_bytes.saturating_sub(ext_bytes);
        Ok(Parts {
            most: decompress(most, most_bytes, object_bytes, shared.map(|it| &*it.most))?,
            ext_at,
            ext: decompress(ext, ext_bytes, ext_bytes, shared.map(|it| &*it.ext))?,
        })
    }
}

/// So many bytes, with room for more.
fn decompress(
    packed: &[u8],
    bytes: usize,
    room: usize,
    shared: Option<&[u8]>,
) -> io::Result<Vec<u8>> {
    let mut reader = LzmaReader::new(
        packed,
        bytes as u64,
        format::LITERAL_CONTEXT_BITS,
        format::LITERAL_POSITION_BITS,
        format::POSITION_BITS,
        format::WINDOW_BYTES,
        shared,
    )?;
    let mut part = Vec::with_capacity(room);
    part.resize(bytes, 0);
    reader.read_exact(&mut part)?;
    Ok(part)
}

macro_rules! packed {
    ($name:literal) => {
        Packed {
            name: $name,
            packed: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".packed")),
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
    use trapline_loader::spec::ObjectSpec;

    use super::*;

    #[test]
    fn a_damaged_object_is_an_error_that_names_it() {
        let cut = Packed {
            name: "process",
            packed: &PROCESS.packed[..PROCESS.packed.len() / 2],
        };
        let error = cut.unpack().unwrap_err().to_string();
        assert!(
            error.starts_with("the object process in this program is damaged"),
            "{error}"
        );
    }

    #[test]
    fn the_lines_of_the_source_are_there_only_if_they_are_wanted() {
        let wanted = cfg!(feature = "lines");
        for (name, object) in unpacked().unwrap() {
            let spec = ObjectSpec::parse(name, &object).unwrap();
            for program in spec.programs {
                let without = program.line_info.is_empty();
                assert_eq!(without, !wanted, "{name}: {}", program.name);
                assert!(!program.func_info.is_empty(), "{name}: {}", program.name);
            }
            let has_text = object.windows(7).any(|text| text == b"return ");
            assert_eq!(has_text, wanted, "{name}");
        }
    }

    #[test]
    fn objects_come_out_as_the_compiler_made_them() {
        macro_rules! compiled {
            ($($name:literal),*) => {
                [$(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".bpf.o")).as_slice()),*]
            };
        }
        let compiled = compiled!("process", "file", "mount", "network", "isolate");
        for (object, compiled) in ALL.iter().zip(compiled) {
            assert!(object.unpack().unwrap() == compiled, "{}", object.name());
        }
    }
}
