//! What the harness needs to know about the machine it runs on: folders, the
//! boot it belongs to, and QEMU.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kernels::LOCK_PATH;

/// The root of the checkout: where cargo says at run time that this package is,
/// else the nearest folder upwards with a lock of kernels in it, else where it
/// was when this was compiled. The last comes last because it names another
/// checkout where two share a target folder.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let is_root = |folder: &PathBuf| folder.join(LOCK_PATH).is_file();
    let of_cargo = || env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let above = || {
        let here = env::current_dir().ok()?;
        here.ancestors().map(Path::to_owned).find(is_root)
    };
    let found = of_cargo().filter(is_root).or_else(above);
    found.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")))
}

/// Where logs, recordings and reports of this checkout go: `target/trapline`.
#[must_use]
pub fn output_dir() -> PathBuf {
    workspace_root().join("target").join("trapline")
}

/// Writes a file so that a reader sees all of it or none.
///
/// # Errors
/// The error of creating the folder, of writing or of renaming.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(
        ".{}.{:?}.draft",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::write(&draft, bytes)?;
    fs::rename(&draft, path).inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Which boot of the host this is: what a probe found may change with the next.
///
/// # Errors
/// The error of reading `/proc/sys/kernel/random/boot_id`.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

/// The first file of that name that is in `PATH` or in the folders where
/// administrators' programs lie, which a user's `PATH` often lacks.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// An installed QEMU.
#[derive(Debug, Clone)]
pub struct Qemu {
    /// The program's path.
    pub program: PathBuf,
    /// `(10, 0)`
    pub version: (u32, u32),
}

impl Qemu {
    /// Finds the QEMU for an architecture, spelt as Rust and QEMU both do, and
    /// asks its version.
    ///
    /// # Errors
    /// A sentence that says what is missing and which command installs it.
    pub fn find(arch: &str) -> Result<Self, String> {
        let name = format!("qemu-system-{arch}");
        let program =
            find_program(&name).ok_or_else(|| format!("{name} is not installed: run ci/setup"))?;
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .map_err(|error| format!("{} does not run: {error}", program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = parse_qemu_version(&text).ok_or_else(|| {
            format!(
                "{} --version says no version: {}",
                program.display(),
                text.lines().next().unwrap_or("nothing")
            )
        })?;
        Ok(Self { program, version })
    }
}

/// Reads `QEMU emulator version 10.0.2 (Debian …)`.
fn parse_qemu_version(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once("version ")?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_qemu_is_read_from_its_first_line() {
        let text = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright";
        assert_eq!(parse_qemu_version(text), Some((7, 2)));
        assert_eq!(
            parse_qemu_version("QEMU emulator version 10.0.2"),
            Some((10, 0))
        );
        assert_eq!(parse_qemu_version("version x"), None);
        assert_eq!(parse_qemu_version(""), None);
    }
}
