//! The archive format of an initramfs: newc cpio.
//!
//! Source: kernel Documentation/driver-api/early-userspace/buffer-format.rst

/// An archive in the making. The same entries in the same order give the same
/// bytes: no times, no owners, inode numbers by position.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

impl Archive {
    /// Adds a directory; its parent must have been added before.
    pub fn directory(&mut self, path: &str, mode: u32) {
        self.entry(path, DIRECTORY | mode, 2, (0, 0), b"");
    }

    /// Adds a regular file.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entry(path, REGULAR | mode, 1, (0, 0), content);
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, path: &str, target: &str) {
        self.entry(path, SYMLINK | 0o777, 1, (0, 0), target.as_bytes());
    }

    /// Adds a character device.
    pub fn character_device(&mut self, path: &str, mode: u32, major: u32, minor: u32) {
        self.entry(path, CHARACTER | mode, 1, (major, minor), b"");
    }

    /// Ends the archive. Its length is a multiple of four, so that another may
    /// follow: the kernel unpacks one after the other.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, 1, (0, 0), b"");
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, links: u32, device: (u32, u32), content: &[u8]) {
        self.entries += 1;
        let name = path.trim_start_matches('/');
        // The format has 32-bit sizes; an initramfs of 4 GiB would not boot.
        let fields = [
            self.entries,
            mode,
            0, // uid
            0, // gid
            links,
            0, // mtime
            content.len() as u32,
            0, // major of the archive's device
            0, // minor
            device.0,
            device.1,
            name.len() as u32 + 1,
            0, // checksum, unused in newc
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_laid_out_as_newc() {
        let mut archive = Archive::default();
        archive.file("/init", 0o755, b"hello");
        let bytes = archive.finish();
        assert_eq!(&bytes[..6], b"070701");
        assert_eq!(&bytes[14..22], b"000081ed", "mode");
        assert_eq!(&bytes[54..62], b"00000005", "size");
        assert_eq!(&bytes[94..102], b"00000005", "name size with its NUL");
        assert_eq!(&bytes[110..116], b"init\0\0");
        assert_eq!(&bytes[116..124], b"hello\0\0\0");
        assert_eq!(&bytes[124..130], b"070701", "the trailer follows");
        assert_eq!(bytes.len() % 4, 0);
    }

    #[test]
    fn another_program_unpacks_what_was_packed() {
        let mut archive = Archive::default();
        archive.directory("etc", 0o755);
        archive.file("etc/name", 0o644, b"trapline\n");
        archive.symlink("link", "etc/name");
        archive.directory("empty", 0o700);
        let folder = std::env::temp_dir().join(format!("trapline-cpio-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let packed = folder.join("a.cpio");
        std::fs::write(&packed, archive.finish()).expect("write the archive");
        let status = std::process::Command::new("busybox")
            .args(["cpio", "-i", "-F"])
            .arg(&packed)
            .current_dir(&folder)
            .stderr(std::process::Stdio::null())
            .status()
            .expect("busybox is installed by ci/setup");
        assert!(status.success());
        let name = std::fs::read_to_string(folder.join("link")).expect("follow the link");
        assert_eq!(name, "trapline\n");
        assert!(folder.join("empty").is_dir());
        std::fs::remove_dir_all(&folder).expect("remove the folder");
    }
}
