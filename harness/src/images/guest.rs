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

/// The same, into a folder of its own if there is one and with what `add` adds to cargo's
/// command, and how many bytes of it are eBPF objects, packed.
///
/// # Errors
/// As for [`build`], and when those bytes are not where cargo says.
pub fn measure_program(
    arch: &str,
    target_folder: Option<&Path>,
    add: &dyn Fn(&mut Command),
) -> Result<(PathBuf, u64), String> {
    let root = host::workspace_root();
    let messages = cargo_build("trapline", &[], arch, &root, target_folder, add)?;
    let program = executable_in("trapline", &messages);
    let program = program.ok_or("cargo built trapline but named no executable")?;
    let folder = out_dir_in("trapline-sensors", &messages);
    let folder = folder.ok_or("cargo ran no build script of trapline-sensors")?;
    let sizes = folder.read_dir().and_then(|files| {
        let files = files.collect::<Result<Vec<_>, _>>()?.into_iter();
        let packed = files.filter(|file| file.path().extension().is_some_and(|it| it == "packed"));
        packed.map(|file| Ok(file.metadata()?.len())).sum()
    });
    match sizes {
        Ok(bytes) => Ok((program, bytes)),
        Err(error) => Err(format!("{}: {error}", folder.display())),
    }
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
    let messages = cargo_build("trapline-loader", &chosen, arch, &root, None, &|_| ())?;
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
    let messages = cargo_build(package, &[], arch, folder, target_folder, &|_| ())?;
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
    add: &dyn Fn(&mut Command),
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
    add(&mut build);
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

/// Finds the executable in cargo's messages. They say where it is whatever the target
/// folder is called.
fn executable_in(name: &str, messages: &str) -> Option<PathBuf> {
    last_path(messages, "executable", |message| {
        message.pointer("/target/name").is_some_and(|it| it == name)
    })
}

/// Finds where the build script of a package wrote to, likewise.
fn out_dir_in(package: &str, messages: &str) -> Option<PathBuf> {
    // The end of a URL.
    let id = format!("#{package}@");
    last_path(messages, "out_dir", |message| {
        let of = message.get("package_id").and_then(|it| it.as_str());
        of.is_some_and(|of| of.contains(&id))
    })
}

/// A path in the last of cargo's messages, one JSON object per line, that has it and is
/// `wanted`.
fn last_path(
    messages: &str,
    key: &str,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> Option<PathBuf> {
    let mut messages = messages
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    messages.find_map(|message| {
        let path = message.get(key)?.as_str()?;
        wanted(&message).then(|| PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_built_is_where_it_says() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"libc"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"trapline-guest"},"executable":"/t/trapline-guest"}"#,
            "\n",
            r#"{"reason":"build-script-executed","package_id":"path+file:///t/bpf-src#trapline-sensors@0.1.0","out_dir":"/t/out"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\n",
        );
        assert_eq!(
            out_dir_in("trapline-sensors", messages),
            Some(PathBuf::from("/t/out"))
        );
        assert_eq!(out_dir_in("trapline", messages), None);
        assert_eq!(
            executable_in("trapline-guest", messages),
            Some(PathBuf::from("/t/trapline-guest"))
        );
        assert_eq!(executable_in("trapline", messages), None);
        assert_eq!(executable_in("trapline-guest", "not json\n"), None);
    }
}
