//! Objects in files.

use crate::error::{Error, Result, ResultExt};
use crate::spec::ObjectSpec;
use crate::sys::{self, Errno};
use std::path::Path;

/// Where what comes through a pipe has to end: more than any object has.
const LIMIT_BYTES: u64 = 256 << 20;

/// Reads an object's file, in one go, and takes it apart. It is named after its
/// path.
///
/// # Errors
/// `NotFound` where there is no such file; what the kernel says otherwise; those
/// of [`ObjectSpec::parse`].
pub fn open(path: impl AsRef<Path>) -> Result<ObjectSpec> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let bytes = sys::read_whole(path, LIMIT_BYTES).map_err(|errno| match errno {
        Errno::NOENT => Error::not_found("No such file"),
        errno => errno.error("read"),
    });
    let bytes = bytes.with_context(|| format!("object {name}"))?;
    ObjectSpec::parse(&name, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_file_that_is_no_object_is_read_and_told_so() {
        let path = env!("CARGO_MANIFEST_PATH");
        let error = open(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert_eq!(error.to_string(), format!("object {path}"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = open("/nonexistent/a.bpf.o").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let text = format!("{error:#}");
        assert_eq!(text, "object /nonexistent/a.bpf.o: No such file");
    }

    #[test]
    fn a_file_of_no_known_length_is_read_to_its_end() {
        // /proc says 0 bytes of all its files.
        let read = sys::read_whole(Path::new("/proc/self/status"), 1 << 20).unwrap();
        assert!(read.starts_with(b"Name:") && read.len() > 100);
        let cut = sys::read_whole(Path::new("/proc/self/status"), 10).unwrap();
        assert_eq!(cut.len(), 10);
    }

    #[test]
    fn a_folder_is_no_object() {
        let error = open(env!("CARGO_MANIFEST_DIR")).unwrap_err();
        assert!(format!("{error:#}").ends_with("read: EISDIR"), "{error:#}");
    }
}
