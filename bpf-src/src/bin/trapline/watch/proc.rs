//! Processes as /proc has them now.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use trapline_loader::{Error, Result};
use trapline_sensors::sensors::parents;

use super::clock;
use super::tree::Tree;

/// These processes and their descendants.
///
/// # Errors
/// /proc that cannot be read.
pub fn tree(pids: &[u32]) -> Result<Tree> {
    Ok(Tree::of(pids, &parents()?, clock::since_boot_ns()))
}

/// The processes that run one of these programs.
///
/// # Errors
/// /proc that cannot be read.
pub fn running(exes: &[String]) -> Result<Vec<u32>> {
    if exes.is_empty() {
        return Ok(Vec::new());
    }
    let folder = Path::new("/proc");
    let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, &error))?;
    let running = entries.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let exe = fs::read_link(entry.path().join("exe")).ok()?;
        let mut exes = exes.iter();
        exes.any(|known| known.as_bytes() == exe.as_os_str().as_bytes())
            .then_some(pid)
    });
    Ok(running.collect())
}

/// A figure of our own in /proc/self/status, such as `VmRSS`, in bytes.
pub fn own_bytes(name: &str) -> Option<u64> {
    let value = own(name)?;
    let kib: u64 = value.strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Whoever traces us; 0: nobody.
pub fn tracer() -> u32 {
    let pid = own("TracerPid").and_then(|pid| pid.parse().ok());
    pid.unwrap_or(0)
}

/// What /proc/self/status says of us under a name.
fn own(name: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_runs_and_has_memory() {
        let own = std::env::current_exe().unwrap();
        let own = own.to_str().unwrap().to_owned();
        assert!(running(&[own]).unwrap().contains(&std::process::id()));
        assert!(running(&["/none".to_owned()]).unwrap().is_empty());
        assert!(own_bytes("VmRSS").unwrap() > 4096);
        assert_eq!(own_bytes("VmNone"), None);
        assert_eq!(tracer(), 0);
    }
}
