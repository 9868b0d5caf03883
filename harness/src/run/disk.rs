//! A disk with an empty btrfs, made on the host: no guest has the tool that makes one.
//!
//! The guest gets it without its empty pages: eight bytes say how large the disk is, then each page
//! that is not empty follows eight bytes that say where it lies. All numbers are little-endian.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// As large as the kernels' disks in memory are without further ado, and the least that btrfs takes,
/// with data and metadata mixed.
const DISK_BYTES: u64 = 16 << 20;
const PAGE_BYTES: usize = 4096;
/// Where Debian has it, which is on no PATH but root's.
const MAKERS: [&str; 3] = ["mkfs.btrfs", "/usr/sbin/mkfs.btrfs", "/sbin/mkfs.btrfs"];

/// An empty btrfs as the guest takes it.
///
/// # Errors
/// A sentence that says what to install, or what the tool said.
pub(super) fn btrfs() -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("cannot make a folder: {error}"))?;
    let path = folder.path().join("disk");
    let make = || -> std::io::Result<()> { File::create_new(&path)?.set_len(DISK_BYTES) };
    make().map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    format(&path)?;
    let disk = fs::read(&path).map_err(|error| format!("cannot read the new disk: {error}"))?;
    Ok(pages(&disk))
}

fn format(disk: &Path) -> Result<(), String> {
    let run = |maker: &&str| {
        let mut command = Command::new(maker);
        // Pages of 4096 bytes whatever the host's are.
        command.args(["--quiet", "--mixed", "--nodiscard"]);
        command.args(["--sectorsize", "4096", "--nodesize", "4096"]);
        command.arg(disk).output().ok()
    };
    let output = MAKERS.iter().find_map(run);
    let output = output.ok_or("there is no mkfs.btrfs, which btrfs-progs brings: run ci/setup")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("mkfs.btrfs: {}: {}", output.status, said.trim()))
}

/// The disk's size, and its pages that are not empty.
fn pages(disk: &[u8]) -> Vec<u8> {
    let mut out = (disk.len() as u64).to_le_bytes().to_vec();
    for (number, page) in disk.chunks(PAGE_BYTES).enumerate() {
        if page.iter().any(|&byte| byte != 0) {
            out.extend(((number * PAGE_BYTES) as u64).to_le_bytes());
            out.extend(page);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_pages_are_left_out() {
        let mut disk = vec![0; 4 * PAGE_BYTES];
        disk[2 * PAGE_BYTES + 7] = 1;
        let packed = pages(&disk);
        assert_eq!(packed.len(), 8 + 8 + PAGE_BYTES);
        assert_eq!(packed[..8], (4 * PAGE_BYTES as u64).to_le_bytes());
        assert_eq!(packed[8..16], (2 * PAGE_BYTES as u64).to_le_bytes());
        assert_eq!(packed[16 + 7], 1);
    }

    #[test]
    fn a_new_btrfs_is_small_and_has_its_mark() {
        // Source: fs/btrfs, the first copy of the superblock and its magic in it
        let (at, mark) = (0x1_0000_u64, b"_BHRfS_M");
        let packed = btrfs().expect("mkfs.btrfs works");
        assert!(packed.len() < 1 << 20, "{} bytes", packed.len());
        let mut pages = packed[8..].chunks(8 + PAGE_BYTES);
        let superblock = pages.find(|page| page.starts_with(&at.to_le_bytes()));
        assert_eq!(&superblock.expect("a superblock")[8 + 0x40..][..8], mark);
    }
}
