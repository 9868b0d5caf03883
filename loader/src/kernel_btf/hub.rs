//! Where else a kernel's types may lie: beside its image, or in an archive of
//! many kernels' types laid out as BTFHub does it.

use super::{KernelBtf, file};
use crate::btf::Source;
use crate::error::{Error, Result, ResultExt};
use crate::sys;
use std::path::Path;

/// Files of a distribution that hold the running kernel's types, `{}` being its
/// release. Kernels show them themselves since 5.4.
///
/// Source: `btf__load_vmlinux_btf`, tools/lib/bpf/btf.c.
const IMAGES: [&str; 6] = [
    "/boot/vmlinux-{}",
    "/lib/modules/{}/vmlinux-{}",
    "/lib/modules/{}/build/vmlinux",
    "/usr/lib/modules/{}/kernel/vmlinux",
    "/usr/lib/debug/boot/vmlinux-{}",
    "/usr/lib/debug/lib/modules/{}/vmlinux",
];
/// Longest /etc/os-release that is read.
const OS_RELEASE_BYTES: u64 = 64 << 10;

/// The types in an image of the running kernel that does not show them itself.
pub(super) fn open_vmlinux() -> Result<Source<'static>> {
    let release = sys::release().map_err(|errno| errno.error("uname"))?;
    let found = IMAGES.iter().find_map(|image| {
        let path = image.replace("{}", &release);
        file::open(Path::new(&path)).ok()
    });
    found.ok_or_else(|| Error::unsupported("kernel BTF", Some("5.4")))
}

impl KernelBtf {
    /// The running kernel's types out of a folder laid out as BTFHub's archive:
    /// `ROOT/ID/VERSION_ID/ARCH/RELEASE.btf`, with ID and VERSION_ID out of
    /// `/etc/os-release` and the others out of uname(2). For kernels that do
    /// not show their own.
    ///
    /// # Errors
    /// `NotFound`, naming the file, where the folder does not have it.
    pub fn from_btfhub(root: impl AsRef<Path>) -> Result<Self> {
        let read = sys::read_small(Path::new("/etc/os-release"), OS_RELEASE_BYTES);
        let text = read.map_err(|errno| errno.error("/etc/os-release"))?;
        let release = sys::release().map_err(|errno| errno.error("uname"))?;
        let relative = relative(&text, std::env::consts::ARCH, &release)?;
        let path = root.as_ref().join(relative);
        if !path.is_file() {
            let text = format!("no file {}", path.display());
            return Err(Error::not_found(text)).with_context(|| "BTFHub");
        }
        Ok(Self::from_file(path))
    }
}

/// The file of a system in the archive.
fn relative(os_release: &str, arch: &str, release: &str) -> Result<String> {
    let field = |name: &str| {
        let lines = os_release.lines();
        let value = lines.filter_map(|line| line.split_once('='));
        let mut value = value.filter(|(field, _)| *field == name);
        let value = value
            .next()
            .map(|(_, value)| value.trim_matches(['"', '\'']));
        let value = value.filter(|value| !value.is_empty() && !value.contains('/'));
        value.ok_or_else(|| Error::not_found(format!("/etc/os-release has no {name}")))
    };
    // The archive says arm64 where the kernel says aarch64.
    let arch = if arch == "aarch64" { "arm64" } else { arch };
    let (id, version) = (field("ID")?, field("VERSION_ID")?);
    Ok(format!("{id}/{version}/{arch}/{release}.btf"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_has_one_file_in_the_archive() {
        let text = "NAME=\"Ubuntu\"\nVERSION_ID=\"20.04\"\nID=ubuntu\nID_LIKE=debian\n";
        assert_eq!(
            relative(text, "x86_64", "5.4.0-42-generic").unwrap(),
            "ubuntu/20.04/x86_64/5.4.0-42-generic.btf"
        );
        assert!(
            relative(text, "aarch64", "5.4.0")
                .unwrap()
                .contains("/arm64/")
        );
    }

    #[test]
    fn a_system_without_a_version_is_an_error_that_names_it() {
        let error = relative("ID=arch\n", "x86_64", "6.1").unwrap_err();
        assert_eq!(error.to_string(), "/etc/os-release has no VERSION_ID");
        assert!(relative("ID=../x\nVERSION_ID=1\n", "x86_64", "6.1").is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = KernelBtf::from_btfhub("/nonexistent").unwrap_err();
        assert!(format!("{error:#}").contains("/nonexistent/"), "{error:#}");
    }
}
