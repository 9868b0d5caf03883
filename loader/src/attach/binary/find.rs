//! Binaries by bare name, and members of archives.

use crate::error::{Error, Result};
use core::fmt;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where distributions for this architecture keep libraries.
#[cfg(target_arch = "x86_64")]
const ARCH_LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu";
#[cfg(target_arch = "aarch64")]
const ARCH_LIBRARIES: &str = "/usr/lib/aarch64-linux-gnu:/lib/aarch64-linux-gnu";
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCH_LIBRARIES: &str = "";

const LIBRARIES: &str = "/usr/lib64:/usr/lib:/lib64:/lib";
const PROGRAMS: &str = "/usr/bin:/usr/sbin:/bin:/sbin";

/// What stands between an archive and its member, `/data/app.apk!/lib/a.so`.
const MEMBER: &str = "!/";

/// A file that has a binary in it, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct FoundFile {
    pub(in super::super) path: PathBuf,
    /// The archive's member that it is; none: the whole file.
    pub(in super::super) member: Option<String>,
}

impl fmt::Display for FoundFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            None => write!(f, "{}", self.path.display()),
            Some(member) => write!(f, "{}{MEMBER}{member}", self.path.display()),
        }
    }
}

/// The file of a binary, which may be a member of an archive.
pub(in super::super) fn find_file(binary: &str) -> Result<FoundFile> {
    let is_file = || Path::new(binary).is_file();
    let (archive, member) = match binary.split_once(MEMBER) {
        Some((archive, member)) if !is_file() => (archive, Some(member.to_owned())),
        _ => (binary, None),
    };
    let path = full_path(archive)?;
    Ok(FoundFile { path, member })
}

/// The path of a binary: a name without a slash is looked for where its kind
/// mostly lies, a library (`.so` in its name) as the linker does, a program as
/// a shell does.
fn full_path(binary: &str) -> Result<PathBuf> {
    if binary.is_empty() {
        return Err(Error::invalid_input("the section names no binary"));
    }
    if binary.contains('/') {
        return Ok(PathBuf::from(binary));
    }
    let is_library = Path::new(binary).file_name().is_some_and(|name| {
        name.as_encoded_bytes()
            .windows(3)
            .any(|part| part == b".so")
    });
    let (variable, usual) = match is_library {
        true => ("LD_LIBRARY_PATH", [ARCH_LIBRARIES, LIBRARIES]),
        false => ("PATH", [PROGRAMS, ""]),
    };
    let own = env::var_os(variable).unwrap_or_default();
    let mut places = vec![own];
    places.extend(usual.map(OsString::from));
    in_folders(binary, &places).ok_or_else(|| {
        let what = if is_library { "library" } else { "program" };
        Error::not_found(format!("no {what} {binary} in the usual folders"))
    })
}

/// The first file of that name in lists of folders.
fn in_folders(name: &str, lists: &[OsString]) -> Option<PathBuf> {
    let folders = lists.iter().flat_map(env::split_paths);
    let folders = folders.filter(|folder| !folder.as_os_str().is_empty());
    folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_left_as_it_is() {
        assert_eq!(full_path("./a").unwrap(), Path::new("./a"));
    }

    #[test]
    fn a_member_is_told_from_its_archive() {
        let found = find_file("/a/b.apk!/lib/c.so").unwrap();
        assert_eq!(found.path, Path::new("/a/b.apk"));
        assert_eq!(found.member.as_deref(), Some("lib/c.so"));
        assert_eq!(found.to_string(), "/a/b.apk!/lib/c.so");
        assert_eq!(find_file("./a!b").unwrap().member, None);
        assert!(find_file("no-such.apk!/lib/c.so").is_err());
    }

    #[test]
    fn a_file_of_such_a_name_is_that_file() {
        let folder = env::temp_dir().join(format!("trapline-{}!", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.so");
        std::fs::write(&file, "").unwrap();
        let found = find_file(file.to_str().unwrap()).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((found.path, found.member), (file, None));
    }

    #[test]
    fn a_bare_name_is_looked_for() {
        let path = full_path("sh").unwrap();
        assert!(path.is_absolute() && path.ends_with("sh"), "{path:?}");
    }

    #[test]
    fn what_is_nowhere_is_not_found() {
        let error = full_path("no-such.so.99").unwrap_err().to_string();
        assert_eq!(error, "no library no-such.so.99 in the usual folders");
    }
}
