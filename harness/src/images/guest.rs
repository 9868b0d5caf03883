//! The static binaries for the guest, built from this checkout when they are needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::host;

/// Builds `trapline-guest` for an architecture and says where it is. Cargo
/// decides whether there is anything to do.
///
/// # Errors
/// A sentence with what the compiler said, or with the command that installs
/// what is missing.
pub fn build(arch: &str) -> Result<PathBuf, String> {
    build_package("trapline-guest", arch, &host::workspace_root(), None)
}

/// The same for `trapline`, the program that people run.
///
/// # Errors
/// As for [`build`].
pub fn build_program(arch: &str) -> Result<PathBuf, String> {
    build_package("trapline", arch, &host::workspace_root(), None)
}

/// The same for the program that loaders are compared with, which is in no workspace
/// but its own.
///
/// # Errors
/// As for [`build`].
pub fn build_loader(arch: &str) -> Result<PathBuf, String> {
    let root = host::workspace_root();
    let folder = root.join("harness/benches/loaders/trapline");
    let target = root.join("target/loaders/trapline");
    build_package("load-trapline", arch, &folder, Some(&target))
}

/// The same for examples of the loader; as many paths as names, in their order.
///
/// # Errors
/// As for [`build`].
pub fn build_examples(names: &[&str], arch: &str) -> Result<Vec<PathBuf>, String> {
    let chosen = names.iter().flat_map(|name| ["--example", name]);
    let chosen: Vec<&str> = chosen.collect();
    let root = host::workspace_root();
    let messages = cargo_build("trapline-loader", &chosen, arch, &root, None)?;
    let paths = names.iter().map(|name| {
        let path = executable_in(name, &messages);
        path.ok_or_else(|| format!("cargo built the example {name} but named no executable"))
    });
    paths.collect()
}

fn build_package(
    package: &str,
    arch: &str,
    folder: &Path,
    target_folder: Option<&Path>,
) -> Result<PathBuf, String> {
    let messages = cargo_build(package, &[], arch, folder, target_folder)?;
    executable_in(package, &messages)
        .ok_or_else(|| format!("cargo built {package} but named no executable"))
}

/// Builds a package, or what is chosen of it; cargo's messages.
fn cargo_build(
    package: &str,
    chosen: &[&str],
    arch: &str,
    folder: &Path,
    target_folder: Option<&Path>,
) -> Result<String, String> {
    let target = format!("{arch}-unknown-linux-musl");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--quiet", "--release", "--locked"])
        .args(["-p", package, "--target", &target])
        .args(chosen)
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(folder);
    if let Some(target_folder) = target_folder {
        build.env("CARGO_TARGET_DIR", target_folder);
    }
    // Cargo hands these to the tests it runs; to the inner build they would say
    // that it belongs to another package, and make it compile everything anew.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") {
            build.env_remove(name);
        }
    }
    build
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_MANIFEST_PATH");
    let output = build
        .output()
        .map_err(|error| format!("cargo does not run: {error}: run ci/setup"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let remedy = if said.contains("target may not be installed") {
            format!("\nthe Rust target {target} is missing: run ci/setup")
        } else {
            String::new()
        };
        return Err(format!("{package} does not build:\n{said}{remedy}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Finds the executable in cargo's messages, one JSON object per line. They say
/// where it is whatever the target folder is called.
fn executable_in(name: &str, messages: &str) -> Option<PathBuf> {
    messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        if message.pointer("/target/name")? != name {
            return None;
        }
        Some(Path::new(message.get("executable")?.as_str()?).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_the_one_of_the_guest() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"libc"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"trapline-guest"},"executable":"/t/trapline-guest"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\n",
        );
        assert_eq!(
            executable_in("trapline-guest", messages),
            Some(PathBuf::from("/t/trapline-guest"))
        );
        assert_eq!(executable_in("trapline", messages), None);
        assert_eq!(executable_in("trapline-guest", "not json\n"), None);
    }
}
