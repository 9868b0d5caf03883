//! From a kernel package to the files that a boot needs.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};

use super::bzimage::BzImage;
use super::deb::{read_bounded, visit_files};
use super::modules::ModuleSet;

/// No file of a kernel package that is read comes near this.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// All modules of the largest kernel of the matrix are a quarter of this.
const MAX_MODULES_BYTES: u64 = 512 << 20;

/// Names of the files that [`extract`] writes.
pub(super) const VMLINUX: &str = "vmlinux";
pub(super) const BTF: &str = "vmlinux.btf";
pub(super) const CONFIG: &str = "config";

/// What was written into the folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Extracted {
    /// `uname -r` of the kernel.
    pub release: String,
    /// File names of the modules in load order.
    pub modules: Vec<String>,
    /// File names of the spare modules in load order, after the others.
    pub spare_modules: Vec<String>,
    /// Whether the package has the kernel's configuration.
    pub has_config: bool,
    /// Whether the kernel has BTF.
    pub has_btf: bool,
}

/// Writes kernel, BTF, configuration, `modules` and `spare` modules of the packages
/// `debs` into the folder `into`.
///
/// # Errors
/// When the package has no kernel, something in it is damaged, a module is
/// missing, or the folder cannot be written.
pub fn extract(
    debs: &[PathBuf],
    modules: &[String],
    spare: &[String],
    into: &Path,
) -> Result<Extracted> {
    let all = [modules, spare].concat();
    let contents = Contents::read(debs, !all.is_empty())?;
    let (path, image) = contents
        .vmlinuz
        .with_context(|| format!("none of {debs:?} holds a vmlinuz"))?;
    let image = BzImage::parse(&image).with_context(|| path.clone())?;
    let vmlinux = image.unpack().with_context(|| path.clone())?;
    let release = image.release.to_owned();
    ensure!(
        path.contains(&release),
        "{path} says in its header that it is {release}"
    );
    write(into, VMLINUX, &vmlinux)?;
    let btf = btf_section(&vmlinux).context(path)?;
    if let Some(btf) = btf {
        write(into, BTF, btf)?;
    }
    if let Some(config) = &contents.config {
        write(into, CONFIG, config)?;
    }
    let first = contents.modules.in_load_order(modules)?.len();
    let mut names = Vec::new();
    for (name, bytes) in contents.modules.in_load_order(&all)? {
        let name = format!("{name}.ko");
        write(into, &name, &bytes)?;
        names.push(name);
    }
    // What is asked for first comes first, with what it needs.
    let spare_modules = names.split_off(first);
    Ok(Extracted {
        release,
        modules: names,
        spare_modules,
        has_config: contents.config.is_some(),
        has_btf: btf.is_some(),
    })
}

fn write(into: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = into.join(name);
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The parts of the package that are of use, in memory.
#[derive(Default)]
struct Contents {
    vmlinuz: Option<(String, Vec<u8>)>,
    config: Option<Vec<u8>>,
    modules: ModuleSet,
}

impl Contents {
    fn read(debs: &[PathBuf], with_modules: bool) -> Result<Self> {
        let mut contents = Self::default();
        let mut modules_bytes = 0_u64;
        let mut visit = |path: &str, size: u64, file: &mut dyn Read| {
            match Role::of(path) {
                Role::Vmlinuz => {
                    contents.vmlinuz = Some((path.to_owned(), read_bounded(file, MAX_FILE_BYTES)?));
                }
                Role::Config => contents.config = Some(read_bounded(file, MAX_FILE_BYTES)?),
                Role::Builtin => {
                    let mut list = String::new();
                    file.take(MAX_FILE_BYTES).read_to_string(&mut list)?;
                    contents.modules.add_builtin(&list);
                }
                Role::Module if with_modules => {
                    modules_bytes = modules_bytes.saturating_add(size);
                    ensure!(
                        modules_bytes <= MAX_MODULES_BYTES,
                        "too many bytes of modules"
                    );
                    contents
                        .modules
                        .add(path, read_bounded(file, MAX_FILE_BYTES)?);
                }
                Role::Module | Role::Other => {}
            }
            Ok(())
        };
        for deb in debs {
            visit_files(deb, &mut visit)?;
        }
        Ok(contents)
    }
}

enum Role {
    Vmlinuz,
    Config,
    Builtin,
    Module,
    Other,
}

impl Role {
    /// Kernel and configuration lie in `boot/` up to 7.1, then with the
    /// modules, which themselves moved from `lib/` to `usr/lib/`.
    fn of(path: &str) -> Self {
        if let Some(file) = path.strip_prefix("boot/") {
            return match file {
                _ if file.starts_with("vmlinuz-") => Self::Vmlinuz,
                _ if file.starts_with("config-") => Self::Config,
                _ => Self::Other,
            };
        }
        let path = path.strip_prefix("usr/").unwrap_or(path);
        let inside = path
            .strip_prefix("lib/modules/")
            .and_then(|path| path.split_once('/'));
        match inside.map(|(_version, file)| file) {
            Some("vmlinuz") => Self::Vmlinuz,
            Some("config") => Self::Config,
            Some("modules.builtin") => Self::Builtin,
            Some(file) if file.contains(".ko") => Self::Module,
            _ => Self::Other,
        }
    }
}

/// The bytes of `.BTF`, where the kernel has that section.
fn btf_section(vmlinux: &[u8]) -> Result<Option<&[u8]>> {
    let elf = ElfFile64::<Endianness>::parse(vmlinux).context("vmlinux is no 64-bit ELF file")?;
    let section = elf.section_by_name(".BTF");
    let data = section.map(|section| section.data()).transpose();
    data.context("vmlinux: section .BTF")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{DebBuilder, Packing, bzimage, module, vmlinux};

    const RELEASE: &str = "6.12.1-cloud-amd64";

    fn run(deb: DebBuilder, modules: &[&str]) -> Result<(tempfile::TempDir, Extracted)> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("package.deb");
        fs::write(&path, deb.build())?;
        let modules: Vec<String> = modules.iter().map(|&name| name.to_owned()).collect();
        let extracted = extract(&[path], &modules, &[], folder.path())?;
        Ok((folder, extracted))
    }

    fn kernel() -> Vec<u8> {
        bzimage(RELEASE, Packing::Zstd, &vmlinux(5000, b"BTF bytes"))
    }

    #[test]
    fn kernel_config_btf_and_modules_come_out_of_the_old_layout() {
        let lib = format!("./lib/modules/{RELEASE}");
        let deb = DebBuilder::new(Packing::Xz)
            .file(&format!("./boot/vmlinuz-{RELEASE}"), &kernel())
            .file(&format!("./boot/config-{RELEASE}"), b"CONFIG_BPF=y\n")
            .file(&format!("{lib}/kernel/a.ko"), &module("b"))
            .file(&format!("{lib}/kernel/b.ko"), &module(""));
        let (folder, extracted) = run(deb, &["a"]).unwrap();
        let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
        assert_eq!(extracted.release, RELEASE);
        assert_eq!(extracted.modules, ["b.ko", "a.ko"]);
        assert!(extracted.has_config && extracted.has_btf);
        assert!(read(VMLINUX) == vmlinux(5000, b"BTF bytes"));
        assert_eq!(read(BTF), b"BTF bytes");
        assert_eq!(read(CONFIG), b"CONFIG_BPF=y\n");
        assert_eq!(read("b.ko"), module(""));
    }

    #[test]
    fn a_kernel_among_its_modules_is_found() {
        let path = format!("./usr/lib/modules/{RELEASE}/vmlinuz");
        let deb = DebBuilder::new(Packing::Xz).file(&path, &kernel());
        let (_, extracted) = run(deb, &[]).unwrap();
        assert!(extracted.has_btf && !extracted.has_config);
    }

    #[test]
    fn a_package_without_kernel_is_an_error() {
        let deb = DebBuilder::new(Packing::Xz).file("./boot/config-1", b"");
        let error = format!("{:#}", run(deb, &[]).unwrap_err());
        assert!(error.contains("holds a vmlinuz"), "{error}");
    }

    #[test]
    fn a_kernel_under_another_name_is_an_error() {
        let deb = DebBuilder::new(Packing::Xz).file("./boot/vmlinuz-5.10.0-1", &kernel());
        let error = format!("{:#}", run(deb, &[]).unwrap_err());
        assert!(
            error.contains("says in its header that it is 6.12.1"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_module_is_an_error() {
        let path = format!("./boot/vmlinuz-{RELEASE}");
        let deb = DebBuilder::new(Packing::Xz).file(&path, &kernel());
        let error = format!("{:#}", run(deb, &["virtio_pci"]).unwrap_err());
        assert!(error.contains("module virtio_pci is neither"), "{error}");
    }
}
