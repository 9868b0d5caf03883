//! What a crate brings with it, as cargo says.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A crate and all that it needs at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Their names, its own first.
    pub crates: Vec<String>,
    /// Those of them that are procedural macros.
    pub macros: Vec<String>,
    /// Whether the crate itself has a build script.
    pub has_build_script: bool,
}

/// cargo, in a folder.
pub(in crate::bench) fn cargo(folder: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        // Cargo's own words to what it runs now, and not to a build of something else.
        if name.to_string_lossy().starts_with("CARGO_") {
            command.env_remove(name);
        }
    }
    command
}

impl Tree {
    /// Of the crate of this name, as the workspace in `folder` is locked.
    ///
    /// # Errors
    /// What cargo says.
    pub fn of(folder: &Path, name: &str) -> Result<Self> {
        let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "none"];
        let text = said(
            cargo(folder)
                .args(tree)
                .args(["--package", name])
                .args(["--format", "{p}"]),
        )?;
        let (crates, macros) = crates_in(&text);
        let metadata = said(cargo(folder).args(["metadata", "--locked", "--format-version", "1"]))?;
        let metadata = serde_json::from_str(&metadata).context("cargo metadata")?;
        Ok(Self {
            crates,
            macros,
            has_build_script: has_build_script(&metadata, name)?,
        })
    }
}

fn said(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .context("cargo does not run: run ci/setup")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", complaint.trim_end());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The crates in the output of `cargo tree`, each once, and those that are
/// procedural macros.
fn crates_in(text: &str) -> (Vec<String>, Vec<String>) {
    let mut crates: Vec<String> = Vec::new();
    let mut macros: Vec<String> = Vec::new();
    for line in text.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        if name.is_empty() || crates.iter().any(|known| known == name) {
            continue;
        }
        if line.contains("(proc-macro)") {
            macros.push(name.to_owned());
        }
        crates.push(name.to_owned());
    }
    (crates, macros)
}

fn has_build_script(metadata: &serde_json::Value, name: &str) -> Result<bool> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut found = packages.filter(|package| package["name"] == name);
    let package = found
        .next()
        .with_context(|| format!("there is no package {name}"))?;
    let mut targets = package["targets"].as_array().into_iter().flatten();
    Ok(targets.any(|target| target["kind"][0] == "custom-build"))
}

#[cfg(test)]
mod tests {
    use super::super::{CONTESTANTS, budget};
    use super::*;
    use crate::host::workspace_root;

    #[test]
    fn every_crate_is_counted_once_and_macros_are_named() {
        let text = "aya v0.14.0\nlibc v0.2.1\nthiserror v2.0.0\n\
                    thiserror-impl v2.0.0 (proc-macro)\nlibc v0.2.1 (*)\n\n";
        let (crates, macros) = crates_in(text);
        assert_eq!(crates, ["aya", "libc", "thiserror", "thiserror-impl"]);
        assert_eq!(macros, ["thiserror-impl"]);
    }

    #[test]
    fn the_loader_needs_no_more_than_its_budget_allows() {
        let tree = Tree::of(&workspace_root(), CONTESTANTS[0].crate_name).unwrap();
        assert_eq!(budget::exceeded_by_crates(&tree), Vec::<String>::new());
        assert!(tree.crates.iter().any(|name| name == "object"), "{tree:?}");
    }

    #[test]
    fn a_crate_with_macros_and_a_build_script_is_seen_as_one() {
        let tree = Tree::of(&workspace_root(), "trapline-sensors").unwrap();
        assert!(tree.has_build_script, "{tree:?}");
        let tree = Tree::of(&workspace_root(), "trapline-guest").unwrap();
        assert!(
            tree.macros.iter().any(|name| name == "serde_derive"),
            "{tree:?}"
        );
        assert!(budget::exceeded_by_crates(&tree).len() >= 2);
    }
}
