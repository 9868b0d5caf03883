//! Which modules to load, and in which order.
//!
//! A package carries no `modules.dep` (depmod writes that on installation), so
//! dependencies come from where depmod has them: each module's `.modinfo`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use lzma_rust2::XzReader;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};
use ruzstd::decoding::StreamingDecoder;

use super::deb::{MAX_XZ_KIB, read_bounded};

/// The largest module of any kernel of the matrix is an eighth of this.
const MAX_MODULE_BYTES: u64 = 64 << 20;

/// Every module of a kernel: its files by module name, and what is built in.
#[derive(Debug, Default)]
pub struct ModuleSet {
    files: BTreeMap<String, PackedModule>,
    builtin: BTreeSet<String>,
}

#[derive(Debug)]
struct PackedModule {
    path: String,
    bytes: Vec<u8>,
}

impl ModuleSet {
    /// Adds the file at `path` when it is a module; says whether it was.
    pub fn add(&mut self, path: &str, bytes: Vec<u8>) -> bool {
        let Some(name) = module_name(path) else {
            return false;
        };
        self.files.insert(
            name,
            PackedModule {
                path: path.to_owned(),
                bytes,
            },
        );
        true
    }

    /// Adds the names in a `modules.builtin`.
    pub fn add_builtin(&mut self, list: &str) {
        self.builtin.extend(list.lines().filter_map(module_name));
    }

    /// The modules of `wanted` and all that they depend on, each after what it
    /// depends on: name and uncompressed ELF bytes. What is built in needs no
    /// loading and is left out.
    ///
    /// # Errors
    /// When a module is neither a file nor built in, cannot be unpacked, or
    /// dependencies form a circle.
    pub fn in_load_order(&self, wanted: &[String]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut order = Vec::new();
        let mut state = BTreeMap::new();
        // A stack of our own: the depth is the input's choice.
        let mut stack: Vec<Visit> = Vec::new();
        for name in wanted.iter().rev() {
            stack.push(Visit::Enter(name.clone()));
        }
        while let Some(visit) = stack.pop() {
            match visit {
                Visit::Leave(name, bytes) => {
                    state.insert(name.clone(), true);
                    order.push((name, bytes));
                }
                Visit::Enter(name) => match state.get(&name) {
                    Some(true) => {}
                    Some(false) => bail!("module {name} depends on itself"),
                    None => {
                        let Some(module) = self.files.get(&name) else {
                            ensure!(
                                self.builtin.contains(&name),
                                "module {name} is neither in the package nor built in"
                            );
                            continue;
                        };
                        let bytes = module.unpack()?;
                        let needs = depends(&bytes).with_context(|| module.path.clone())?;
                        state.insert(name.clone(), false);
                        stack.push(Visit::Leave(name, bytes));
                        stack.extend(needs.into_iter().rev().map(Visit::Enter));
                    }
                },
            }
        }
        Ok(order)
    }
}

enum Visit {
    Enter(String),
    Leave(String, Vec<u8>),
}

impl PackedModule {
    fn unpack(&self) -> Result<Vec<u8>> {
        let bytes = self.bytes.as_slice();
        let unpacked = if self.path.ends_with(".xz") {
            read_bounded(
                XzReader::new_mem_limit(bytes, false, MAX_XZ_KIB),
                MAX_MODULE_BYTES,
            )
        } else if self.path.ends_with(".zst") {
            let frame = StreamingDecoder::new(bytes).map_err(anyhow::Error::from);
            frame.and_then(|frame| read_bounded(frame, MAX_MODULE_BYTES))
        } else {
            Ok(bytes.to_vec())
        };
        unpacked.with_context(|| format!("cannot unpack the module {}", self.path))
    }
}

/// `virtio_rng` of `kernel/…/virtio-rng.ko.xz`: files say `-` or `_`, the
/// kernel only `_`.
fn module_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let (name, compression) = file.split_once(".ko")?;
    let known = matches!(compression, "" | ".xz" | ".zst");
    (known && !name.is_empty()).then(|| name.replace('-', "_"))
}

/// What `modinfo -F depends` prints.
fn depends(module: &[u8]) -> Result<Vec<String>> {
    let elf = ElfFile64::<Endianness>::parse(module).context("it is no 64-bit ELF file")?;
    let section = elf
        .section_by_name(".modinfo")
        .context("it has no section .modinfo")?;
    let info = section.data()?;
    let mut fields = info.split(|&byte| byte == 0);
    let list = fields.find_map(|field| field.strip_prefix(b"depends="));
    let list = str::from_utf8(list.context("its .modinfo says nothing about depends")?)?;
    let names = list.split(',').filter(|name| !name.is_empty());
    Ok(names.map(|name| name.replace('-', "_")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Packing, module};

    fn set(modules: &[(&str, &str)]) -> ModuleSet {
        let mut set = ModuleSet::default();
        for (path, needs) in modules {
            let bytes = match path.rsplit('.').next() {
                Some("xz") => Packing::Xz.pack(&module(needs)),
                Some("zst") => Packing::Zstd.pack(&module(needs)),
                _ => module(needs),
            };
            assert!(set.add(path, bytes), "{path}");
        }
        set
    }

    fn order(set: &ModuleSet, wanted: &[&str]) -> Result<Vec<String>> {
        let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        let modules = set.in_load_order(&wanted)?;
        assert!(
            modules
                .iter()
                .all(|(_, bytes)| bytes.starts_with(b"\x7fELF"))
        );
        Ok(modules.into_iter().map(|(name, _)| name).collect())
    }

    #[test]
    fn a_module_comes_after_what_it_depends_on_and_only_once() {
        let set = set(&[
            (
                "kernel/drivers/char/virtio_console.ko",
                "virtio,virtio_ring",
            ),
            (
                "kernel/drivers/virtio/virtio-pci.ko.xz",
                "virtio-ring,virtio",
            ),
            ("kernel/drivers/virtio/virtio_ring.ko.zst", "virtio"),
            ("kernel/drivers/virtio/virtio.ko", ""),
            ("kernel/drivers/unrelated.ko", ""),
        ]);
        let names = order(&set, &["virtio_pci", "virtio_console"]).unwrap();
        assert_eq!(
            names,
            ["virtio", "virtio_ring", "virtio_pci", "virtio_console"]
        );
    }

    #[test]
    fn what_is_built_in_needs_no_loading() {
        let mut set = set(&[("a.ko", "virtio")]);
        set.add_builtin("kernel/drivers/virtio/virtio.ko\nkernel/fs/ext4/ext4.ko\n");
        assert_eq!(order(&set, &["ext4", "a"]).unwrap(), ["a"]);
    }

    #[test]
    fn a_module_that_is_nowhere_is_named() {
        let error = order(&set(&[("a.ko", "gone")]), &["a"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "module gone is neither in the package nor built in"
        );
    }

    #[test]
    fn a_circle_is_an_error_not_a_hang() {
        let set = set(&[("a.ko", "b"), ("b.ko", "c"), ("c.ko", "a")]);
        let error = order(&set, &["a"]).unwrap_err();
        assert_eq!(error.to_string(), "module a depends on itself");
    }

    #[test]
    fn a_very_long_chain_does_not_exhaust_the_stack() {
        let mut set = ModuleSet::default();
        for n in 0..5_000 {
            set.add(&format!("m{n}.ko"), module(&format!("m{}", n + 1)));
        }
        set.add("m5000.ko", module(""));
        assert_eq!(order(&set, &["m0"]).unwrap().len(), 5_001);
    }

    #[test]
    fn damaged_modules_are_errors() {
        for bytes in [&b""[..], b"\x7fELF", &[0xff; 200], &module("x")[..90]] {
            let mut set = ModuleSet::default();
            set.add("kernel/a.ko", bytes.to_vec());
            assert!(order(&set, &["a"]).is_err());
        }
    }

    #[test]
    fn only_modules_count_as_modules() {
        let mut set = ModuleSet::default();
        for path in ["modules.order", "kernel/README", "x.ko.gz", ".ko", "a.kop"] {
            assert!(!set.add(path, Vec::new()), "{path}");
        }
    }
}
