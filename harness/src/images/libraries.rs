//! Which shared libraries a program of the host needs to run in the guest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that the dynamic linker would map for `program`, the linker
/// itself included, each under the path by which it is asked for.
///
/// # Errors
/// A sentence that says which library is missing, or why `ldd` failed.
pub fn needed_by(program: &Path) -> Result<Vec<PathBuf>, String> {
    let output = Command::new("ldd")
        .arg(program)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("ldd does not run: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "ldd {}: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    parse(&String::from_utf8_lossy(&output.stdout))
        .map_err(|library| format!("{} needs {library}: run ci/setup", program.display()))
}

/// Reads ldd's lines: `name => path (address)`, `path (address)`, and the vdso,
/// which is no file. The error is the name of a library that was not found.
fn parse(text: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        let (name, place) = match line.split_once(" => ") {
            Some((name, place)) => (name, place),
            None => (line, line),
        };
        if place.starts_with("not found") {
            return Err(name.to_owned());
        }
        let path = place.split(" (").next().unwrap_or_default();
        if path.starts_with('/') {
            found.insert(PathBuf::from(path));
        }
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_the_linker_are_found_and_the_vdso_is_not_a_file() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
            \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let found = parse(text).expect("all are there");
        assert_eq!(
            found,
            [
                PathBuf::from("/lib/x86_64-linux-gnu/libc.so.6"),
                PathBuf::from("/lib64/ld-linux-x86-64.so.2"),
            ]
        );
    }

    #[test]
    fn a_missing_library_is_named() {
        assert_eq!(
            parse("\tlibudev.so.1 => not found\n"),
            Err("libudev.so.1".to_owned())
        );
    }
}
