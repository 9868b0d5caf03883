//! Small files of the kernel's file systems, and positional reads.

use super::{Errno, Result, owned};
use crate::order::{self, Key};
use core::ops::RangeInclusive;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::OnceLock;

/// Opens a file for reading. musl's open(2), and so the standard library's,
/// sets close-on-exec once more by a call of its own; its openat(2) does not.
pub(crate) fn open_read(path: &Path) -> Result<File> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)?;
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    loop {
        // SAFETY: the path ends with its NUL and outlives the call.
        let fd = unsafe { libc::openat(libc::AT_FDCWD, path.as_ptr(), flags) };
        match fd {
            0.. => return Ok(File::from(owned(fd))),
            _ => match Errno::last() {
                Errno::INTR => {}
                errno => return Err(errno),
            },
        }
    }
}

/// The length of an open file.
pub(crate) fn file_len(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(|error| Errno::from_io(&error))?;
    Ok(metadata.len())
}

/// Fills `buffer` from `offset_bytes` on and returns how much there was: less
/// only at the end of the file. sysfs gives a page at a time, so it asks again.
pub(crate) fn pread(file: &File, offset_bytes: u64, buffer: &mut [u8]) -> Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let offset = offset_bytes.checked_add(done as u64).ok_or(Errno::INVAL)?;
        match file.read_at(rest, offset) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Errno::from_io(&error)),
        }
    }
    Ok(done)
}

/// Reads a file of at most `limit_bytes`; what comes after is left.
pub(crate) fn read_bytes(path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    read_open(open_read(path)?, limit_bytes)
}

fn read_open(file: File, limit_bytes: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = file.take(limit_bytes).read_to_end(&mut bytes);
    read.map_err(|error| Errno::from_io(&error))?;
    Ok(bytes)
}

/// Reads a whole file. One whose length is known is read at once, without
/// looking for more; what a pipe or the like gives has to end at `limit_bytes`.
pub(crate) fn read_whole(path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    let file = open_read(path)?;
    let bytes = file_len(&file)?;
    if bytes == 0 {
        return read_open(file, limit_bytes);
    }
    let mut bytes = vec![0; usize::try_from(bytes).map_err(|_| Errno::TOO_BIG)?];
    let read = pread(&file, 0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Reads a text of at most `limit_bytes`; what comes after is left.
pub(crate) fn read_small(path: &Path, limit_bytes: u64) -> Result<String> {
    let bytes = read_bytes(path, limit_bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The names in a folder, sorted; what is not UTF-8 is left out.
pub(crate) fn names_in(path: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(path).map_err(|error| Errno::from_io(&error))?;
    let name =
        |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
    let mut names: Vec<String> = entries.filter_map(name).collect();
    order::sort(&mut names, |name| Key::text(name.as_bytes()));
    Ok(names)
}

/// Opens a control file for lines.
pub(crate) fn open_append(path: &Path) -> Result<File> {
    let file = OpenOptions::new().append(true).open(path);
    file.map_err(|error| Errno::from_io(&error))
}

/// Appends a line to a control file in one write.
pub(crate) fn append(mut file: &File, line: &str) -> Result<()> {
    let written = file.write_all(line.as_bytes());
    written.map_err(|error| Errno::from_io(&error))
}

/// Reads a text from its beginning, of at most `limit_bytes`; what comes after is left.
pub(crate) fn read_again(file: &File, limit_bytes: usize) -> Result<String> {
    const PIECE_BYTES: usize = 4096;
    let mut bytes = Vec::new();
    while bytes.len() < limit_bytes {
        let mut piece = [0; PIECE_BYTES];
        let read = pread(file, bytes.len() as u64, &mut piece)?;
        bytes.extend_from_slice(piece.get(..read).unwrap_or(&piece));
        if read < PIECE_BYTES {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Removes a name.
pub(crate) fn unlink(path: &Path) -> Result<()> {
    std::fs::remove_file(path).map_err(|error| Errno::from_io(&error))
}

/// What a descriptor is open on: a path, or a name such as
/// `anon_inode:bpf-prog`. None where /proc is not mounted.
pub(crate) fn fd_path(fd: BorrowedFd<'_>) -> Option<String> {
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let path = std::fs::read_link(link).ok()?;
    Some(path.to_string_lossy().into_owned())
}

/// The inode number of what a descriptor is open on.
pub(crate) fn fd_inode(fd: BorrowedFd<'_>) -> Result<u64> {
    let inode = fd
        .try_clone_to_owned()
        .and_then(|fd| File::from(fd).metadata())
        .map(|metadata| metadata.ino());
    inode.map_err(|error| Errno::from_io(&error))
}

/// The inode number of the caller's network namespace.
pub(crate) fn netns_inode() -> Result<u64> {
    let metadata = std::fs::metadata("/proc/thread-self/ns/net");
    metadata
        .map(|metadata| metadata.ino())
        .map_err(|error| Errno::from_io(&error))
}

/// Is this an open file of sysfs?
pub(super) fn is_sysfs(fd: BorrowedFd<'_>) -> Result<bool> {
    // What holds either: the field is signed in glibc and not in musl.
    const SYSFS_MAGIC: i128 = 0x6265_6572;
    let mut found = core::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `found` has room for the structure that the call fills.
    if unsafe { libc::fstatfs(fd.as_raw_fd(), found.as_mut_ptr()) } < 0 {
        return Err(Errno::last());
    }
    // SAFETY: integers only, all zeroed and then filled by the kernel.
    let found = unsafe { found.assume_init() };
    Ok(i128::from(found.f_type) == SYSFS_MAGIC)
}

/// The processors that may ever come up: what per-CPU values are counted by.
///
/// # Errors
/// Where /sys is not mounted; EINVAL where the list makes no sense.
pub(crate) fn possible_cpus() -> Result<usize> {
    static CPUS: OnceLock<usize> = OnceLock::new();
    if let Some(cpus) = CPUS.get() {
        return Ok(*cpus);
    }
    let (cpus, _) = possible_cpu_list()?;
    Ok(*CPUS.get_or_init(|| cpus))
}

/// One more than the highest number that a processor may ever have; more than
/// there are processors where numbers are left out.
///
/// # Errors
/// As [`possible_cpus`].
pub(crate) fn possible_cpu_numbers() -> Result<usize> {
    possible_cpu_list().map(|(_, numbers)| numbers)
}

/// The processors that are up now, by number, ascending.
///
/// # Errors
/// As [`possible_cpus`].
pub(crate) fn online_cpus() -> Result<Vec<u32>> {
    let list = read_small(Path::new("/sys/devices/system/cpu/online"), 4096)?;
    let ranges = cpu_ranges(&list).ok_or(Errno::INVAL)?;
    Ok(ranges.into_iter().flatten().map(u32::from).collect())
}

/// How many processors there may be, and one more than their highest number.
fn possible_cpu_list() -> Result<(usize, usize)> {
    let list = read_small(Path::new("/sys/devices/system/cpu/possible"), 4096)?;
    count_cpus(&list).ok_or(Errno::INVAL)
}

/// The members of a list such as `0-3,8`: how many, and one more than the
/// highest.
fn count_cpus(list: &str) -> Option<(usize, usize)> {
    let ranges = cpu_ranges(list)?;
    let count = ranges.iter().map(|range| range.clone().count()).sum();
    let end = ranges.iter().map(|range| usize::from(*range.end()) + 1);
    Some((count, end.max()?))
}

/// The ranges of such a list.
fn cpu_ranges(list: &str) -> Option<Vec<RangeInclusive<u16>>> {
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some(first..=last)
    };
    list.trim().split(',').map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(count_cpus("0\n"), Some((1, 1)));
        assert_eq!(count_cpus("0-3,8,10-11\n"), Some((7, 12)));
    }

    #[test]
    fn nonsense_in_a_cpu_list_is_not_a_count() {
        for list in ["", "3-1", "0-", "a", "0,,1", "0-99999"] {
            assert_eq!(count_cpus(list), None, "{list:?}");
        }
    }

    #[test]
    fn a_file_on_disk_is_never_mapped() {
        let file = open_read(Path::new(env!("CARGO_MANIFEST_PATH"))).unwrap();
        let mapped = super::super::FileMapping::of_sysfs(std::os::fd::AsFd::as_fd(&file), 4096);
        assert_eq!(mapped.err(), Some(Errno::INVAL));
    }

    #[test]
    fn a_file_is_read_again_from_its_beginning() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/elf/mod.rs");
        let (file, whole) = (
            open_read(&path).unwrap(),
            std::fs::read_to_string(&path).unwrap(),
        );
        assert!(whole.len() > 4096);
        for _ in 0..2 {
            assert_eq!(read_again(&file, 1 << 20).unwrap(), whole);
        }
    }

    #[test]
    fn pread_stops_at_the_end_of_the_file() {
        let file = open_read(Path::new(env!("CARGO_MANIFEST_PATH"))).unwrap();
        let len = file_len(&file).unwrap();
        let mut buffer = [0; 64];
        assert_eq!(pread(&file, len - 10, &mut buffer), Ok(10));
        assert_eq!(pread(&file, len, &mut buffer), Ok(0));
    }
}
