//! Objects and BTF files that the command line names.

use std::io::Write;
use std::path::{Path, PathBuf};

use trapline_loader::error::ResultExt;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object;
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

/// The running kernel's types.
const RUNNING: &str = "/sys/kernel/btf/vmlinux";

/// An object, taken apart.
///
/// # Errors
/// A file that cannot be read; `Malformed` or `Unsupported` for what is in it.
pub fn object(path: &Path) -> Result<ObjectSpec> {
    object::open(path)
}

/// Prints to the standard output.
///
/// # Errors
/// What keeps it from being written: whoever reads may have gone.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Error::io(Path::new("standard output"), &error))
}

/// A kernel's types and what to call them.
#[derive(Debug)]
pub struct NamedBtf {
    /// The release of the running kernel, or the file's name without `.btf`.
    pub name: String,
    /// Where they are.
    pub path: PathBuf,
    /// The types.
    pub btf: KernelBtf,
}

/// The BTF files that were named, and all files of the folders among them; the
/// running kernel's where none was.
///
/// # Errors
/// A folder that cannot be read or holds no file.
pub fn btfs(named: &[PathBuf]) -> Result<Vec<NamedBtf>> {
    if named.is_empty() {
        return Ok(vec![NamedBtf {
            name: trapline_loader::feature::kernel_release()?,
            path: PathBuf::from(RUNNING),
            btf: KernelBtf::running(),
        }]);
    }
    let mut all = Vec::new();
    for path in named {
        let paths = match path.is_dir() {
            true => files_of(path)?,
            false => vec![path.clone()],
        };
        all.extend(paths.into_iter().map(|path| NamedBtf {
            name: label(&path),
            btf: KernelBtf::from_file(&path),
            path,
        }));
    }
    Ok(all)
}

/// The files of a folder, 5.10 after 5.4.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, &error))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: std::io::Result<Vec<PathBuf>> = paths.collect();
    let mut paths = paths.map_err(|error| Error::io(folder, &error))?;
    paths.retain(|path| path.is_file());
    paths.sort_by_key(|path| numbers_and_words(&label(path)));
    match paths.is_empty() {
        true => Err(Error::not_found("there is no file in it"))
            .with_context(|| folder.display().to_string()),
        false => Ok(paths),
    }
}

/// `6.12` of `btf/6.12.btf`.
fn label(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    name.strip_suffix(".btf").unwrap_or(&name).to_owned()
}

/// A text in the order that people count in.
fn numbers_and_words(text: &str) -> Vec<(u64, String)> {
    let parts = text.split(['.', '-', '_', '+']);
    parts
        .map(|part| match part.parse() {
            Ok(number) => (number, String::new()),
            Err(_) => (u64::MAX, part.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_counted_not_spelt() {
        let mut names = ["5.10", "5.4", "6.1", "6.12.1-cloud", "6.2"];
        names.sort_by_key(|name| numbers_and_words(name));
        assert_eq!(names, ["5.4", "5.10", "6.1", "6.2", "6.12.1-cloud"]);
    }

    #[test]
    fn a_file_is_called_by_its_name() {
        assert_eq!(label(Path::new("a/6.12.btf")), "6.12");
        assert_eq!(label(Path::new("/boot/vmlinux")), "vmlinux");
    }
}
