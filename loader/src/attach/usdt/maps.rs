//! Where a file lies in the memory of a process: /proc/PID/maps.

use crate::error::{Error, Result};
use crate::sys;
use std::path::Path;

/// The list of a process with very many mappings.
const MAPS_LIMIT_BYTES: u64 = 16 << 20;

/// The address of a byte of a file that a process runs.
///
/// # Errors
/// `NotFound` where the process has not mapped it to run.
pub(super) fn address_of(pid: i32, path: &Path, offset: u64) -> Result<u64> {
    let list = match pid {
        0 => "/proc/self/maps".to_owned(),
        pid => format!("/proc/{pid}/maps"),
    };
    let text = sys::read_small(Path::new(&list), MAPS_LIMIT_BYTES);
    let text = text.map_err(|errno| errno.error(&list))?;
    // The kernel shows the path without links in it.
    let real = path.canonicalize();
    let real = real.as_deref().unwrap_or(path);
    find(&text, &real.to_string_lossy(), offset).ok_or_else(|| {
        Error::not_found(format!(
            "{list} has no byte {offset:#x} of {}",
            real.display()
        ))
    })
}

/// In lines such as `START-END r-xp OFFSET MAJOR:MINOR INODE PATH`.
fn find(text: &str, path: &str, offset: u64) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let (start, end) = (hexadecimal(start)?, hexadecimal(end)?);
        let is_code = words.next()?.contains('x');
        let first = hexadecimal(words.next()?)?;
        let found = words.nth(2)?.trim_start();
        let inside = offset.checked_sub(first)?;
        let is_there = is_code && found == path && inside < end.checked_sub(start)?;
        is_there.then(|| start.checked_add(inside)).flatten()
    })
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d000-55e000 r--p 00000000 fe:00 12                         /usr/bin/app
55e000-560000 r-xp 00001000 fe:00 12                         /usr/bin/app
7f0000-7f1000 r-xp 00001000 fe:00 13                         /usr/lib/a b.so
nonsense
7ff000-7fe000 r-xp 00000000 00:00 0                          /x
";

    #[test]
    fn a_byte_is_found_in_the_mapping_that_runs() {
        assert_eq!(find(MAPS, "/usr/bin/app", 0x1234), Some(0x55e234));
        assert_eq!(find(MAPS, "/usr/lib/a b.so", 0x1000), Some(0x7f0000));
    }

    #[test]
    fn what_is_not_mapped_to_run_is_not_found() {
        assert_eq!(find(MAPS, "/usr/bin/app", 0x10), None);
        assert_eq!(find(MAPS, "/usr/bin/app", 0x3000), None);
        assert_eq!(find(MAPS, "/x", 0), None);
        assert_eq!(find(MAPS, "/usr/bin/ap", 0x1234), None);
    }
}
