//! The house's rules that no compiler knows, over every file of the repository. Each
//! message says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use trapline_harness::host;
use trapline_harness::kernels::Series;
use trapline_harness::rows::Matrix;

/// Longer than we aim at, so that a file is split when it has two ideas and not when
/// it has one line more.
const LINES_MOST: usize = 400;
/// Files that are one table or one idea, and may be so long, but no longer.
const LONG: [(&str, usize); 8] = [
    ("bpf-src/c/kernel.h", 420),
    ("bpf-src/src/abi.rs", 430),
    ("loader/src/btf/types.rs", 430),
    ("loader/src/object/externs.rs", 450),
    ("loader/src/relo_core/mod.rs", 470),
    ("loader/src/map/mod.rs", 410),
    ("loader/src/spec/externs.rs", 420),
    ("loader/src/spec/sections.rs", 410),
];
/// Where unsafe code may be; `lib.rs` of both crates and clippy have more to say.
const UNSAFE: [&str; 4] = [
    "loader/src/sys/",
    "harness/guest/src/sys/",
    "harness/tests/differential/",
    "loader/tests/inputs/",
];
/// Modules of the loader that take bytes and give values, and what they must not know.
const PURE: [&str; 6] = ["elf", "btf", "insn", "spec", "relo_core", "ext_info"];
const OF_A_KERNEL: [&str; 8] = [
    "sys", "object", "map", "program", "attach", "ring", "feature", "test_run",
];
/// Modules of the sensors that only read records, and what they must not know.
const READERS: [&str; 6] = ["abi", "decode", "event", "json", "ecs", "payload"];
const OF_SENSORS: [&str; 6] = ["sensors", "filter", "network", "flows", "isolate", "hooks"];
/// Names of machines that packages come from belong into the package manager's own
/// configuration.
const HOSTS: [&str; 8] = [
    "deb.debian.org",
    "security.debian.org",
    "ftp.debian.org",
    "static.crates.io",
    "index.crates.io",
    "static.rust-lang.org",
    "snapshot.debian.org",
    "pypi.org",
];

/// A file of the repository: its path from the root, its text.
struct File {
    path: String,
    text: String,
}

impl File {
    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }

    fn has_suffix(&self, suffixes: &[&str]) -> bool {
        suffixes.iter().any(|suffix| self.path.ends_with(suffix))
    }

    /// Lines with their numbers, without comments and texts of tests.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().zip(1..).map(|(line, at)| (at, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Every text file that is not built: what git would keep.
fn files() -> Vec<File> {
    let root = host::workspace_root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder that can be read") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = relative(&root, &path);
                found.push(File { path, text });
            }
        }
    }
    assert!(found.len() > 800, "only {} files were found", found.len());
    found
}

fn relative(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.to_string_lossy().into_owned()
}

fn settle(rule: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{rule}\n{}", wrong.join("\n"));
}

#[test]
fn files_have_one_idea_each() {
    let mut wrong = Vec::new();
    for file in files() {
        if !file.has_suffix(&[".rs", ".c", ".h"]) {
            continue;
        }
        let known = LONG.iter().find(|(path, _)| file.path.starts_with(path));
        let most = known.map_or(LINES_MOST, |(_, most)| *most);
        let lines = file.text.lines().count();
        if lines > most {
            wrong.push(format!("{}: {lines} lines, at most {most}", file.path));
        }
    }
    settle("Split these files where their second idea begins:", &wrong);
}

/// Where a file has unsafe code.
fn unsafe_code(file: &File) -> Vec<String> {
    let begins = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
    let is_unsafe = |line: &str| begins.iter().any(|code| line.contains(code));
    let lines = file.lines();
    lines
        .filter(|(_, line)| is_unsafe(line) && !line.contains('"'))
        .map(|(at, line)| format!("{}:{at}: {}", file.path, line.trim()))
        .collect()
}

#[test]
fn unsafe_code_stays_behind_its_fence() {
    let all = files().into_iter();
    let outside = all.filter(|file| file.path.ends_with(".rs") && !file.is_in(&UNSAFE));
    let wrong: Vec<String> = outside.flat_map(|file| unsafe_code(&file)).collect();
    settle(
        "Put a safe function into loader/src/sys or harness/guest/src/sys and call that:",
        &wrong,
    );
}

#[test]
fn libc_is_used_by_the_fence_alone() {
    let mut wrong = Vec::new();
    for file in files() {
        if !file.is_in(&["loader/src/", "bpf-src/src/"]) || file.is_in(&["loader/src/sys/"]) {
            continue;
        }
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        if code.contains("libc::") && !file.is_in(&["bpf-src/src/bin/"]) {
            wrong.push(file.path);
        }
    }
    settle("Use what loader/src/sys has, or add it there:", &wrong);
}

/// Those of these modules of a crate that name one of the others.
fn looking_up(source: &str, below: &[&str], above: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files() {
        let of = |module: &&str| {
            file.path == format!("{source}/{module}.rs")
                || file.path.starts_with(&format!("{source}/{module}/"))
        };
        if !below.iter().any(of) || file.has_suffix(&["tests.rs", "testing.rs"]) {
            continue;
        }
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        for module in above {
            let is_named = code.lines().any(|line| {
                let line = line.trim_start();
                line.contains(&format!("crate::{module}::")) && !line.starts_with("//")
            });
            if is_named {
                wrong.push(format!("{} uses {module}", file.path));
            }
        }
    }
    wrong
}

#[test]
fn imports_go_down() {
    let mut wrong = looking_up("loader/src", &PURE, &OF_A_KERNEL);
    wrong.extend(looking_up("bpf-src/src", &READERS, &OF_SENSORS));
    settle(
        "Move the type that is needed to where both may use it:",
        &wrong,
    );
}

#[test]
fn programs_in_c_name_their_licence() {
    let mut wrong = Vec::new();
    for file in files() {
        let is_ours = file.is_in(&["bpf-src/c/", "harness/corpus/c/"]);
        let head = file.text.lines().take(2).collect::<String>();
        if is_ours && file.has_suffix(&[".c", ".h"]) && !head.contains("SPDX-License-Identifier:") {
            wrong.push(file.path);
        }
    }
    settle("Begin these files with their SPDX licence:", &wrong);
}

#[test]
fn no_machine_is_named() {
    let mut wrong = Vec::new();
    for file in files() {
        if file.has_suffix(&["harness/tests/tidy.rs", ".lock"]) {
            continue;
        }
        for host in HOSTS {
            if file.text.contains(host) {
                wrong.push(format!("{} names {host}", file.path));
            }
        }
    }
    settle(
        "Leave it to apt, cargo and rustup where packages come from:",
        &wrong,
    );
}

/// `FAMILY/WORKLOAD.snap`, or `FAMILY/WORKLOAD@SERIES.snap` with a reason.
#[test]
fn every_snapshot_is_of_a_workload() {
    let root = host::workspace_root();
    let matrix = Matrix::load(&root).expect("a matrix");
    let workloads: BTreeSet<String> = matrix
        .workloads
        .iter()
        .map(|workload| format!("{}/{}", workload.family, workload.name))
        .collect();
    let series: BTreeSet<String> = matrix.series.iter().map(Series::to_string).collect();
    let mut wrong = Vec::new();
    let mut covered = BTreeSet::new();
    for file in files() {
        let Some(name) = file.path.strip_prefix("snapshots/") else {
            continue;
        };
        let Some(name) = name.strip_suffix(".snap") else {
            if name != "reasons.toml" {
                wrong.push(format!("{}: is it to be accepted?", file.path));
            }
            continue;
        };
        let (workload, of) = name.split_once('@').unwrap_or((name, ""));
        if !workloads.contains(workload) {
            wrong.push(format!("{}: there is no such workload", file.path));
        }
        if !of.is_empty() && !series.contains(of) {
            wrong.push(format!("{}: there is no such kernel", file.path));
        }
        covered.insert(workload.to_owned());
    }
    for missing in workloads.difference(&covered) {
        wrong.push(format!("snapshots/{missing}.snap is missing"));
    }
    settle(
        "Delete these snapshots, or run `cargo harness matrix`:",
        &wrong,
    );
}

/// A script that nobody can run, or that goes on after an error.
#[test]
fn scripts_stop_at_the_first_error() {
    let mut wrong = Vec::new();
    for file in files() {
        let first = file.text.lines().next().unwrap_or_default();
        if !first.starts_with("#!") || !first.ends_with("bash") {
            continue;
        }
        if !file.text.contains("set -euo pipefail") {
            wrong.push(file.path);
        }
    }
    settle("Write `set -euo pipefail` into these scripts:", &wrong);
}

/// All crates have the version of this one.
#[test]
fn the_changelog_begins_with_this_version() {
    let path = host::workspace_root().join("CHANGELOG.md");
    let text = fs::read_to_string(path).expect("CHANGELOG.md");
    let first = text.lines().find(|line| line.starts_with("## ["));
    let begin = format!("## [{}] - ", env!("CARGO_PKG_VERSION"));
    assert!(
        first.is_some_and(|line| line.starts_with(&begin)),
        "Begin CHANGELOG.md with \"{begin}\", not {first:?}"
    );
}

/// The names of functions that a file defines for others.
fn public_functions(text: &str) -> impl Iterator<Item = &str> {
    let public = text
        .lines()
        .filter(|line| line.trim_start().starts_with("pub"));
    let named = public.filter_map(|line| line.split_once("fn "));
    named.filter_map(|(_, rest)| words(rest).next())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|it: char| !it.is_alphanumeric() && it != '_');
    words.filter(|word| !word.is_empty())
}

/// What the compiler says of private functions only. The crates that are published have
/// users elsewhere.
#[test]
fn what_is_public_here_is_used() {
    let files = files();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut public = Vec::new();
    for file in &files {
        let is_test = file.has_suffix(&["tests.rs", "harness/tests/tidy.rs"]);
        if is_test || !file.has_suffix(&[".rs"]) {
            continue;
        }
        let text = file.text.split("#[cfg(test)]\nmod tests").next();
        let text = text.unwrap_or_default();
        words(text).for_each(|word| *used.entry(word).or_default() += 1);
        if file.is_in(&["harness/src/", "harness/guest/src/"]) {
            public.extend(public_functions(text).map(|name| (name, &file.path)));
        }
    }
    assert!(public.len() > 400, "only {} functions", public.len());
    let unused = public.iter().filter(|(name, _)| used[name] < 2);
    let unused: Vec<_> = unused
        .map(|(name, path)| format!("{path}: {name}"))
        .collect();
    settle("Delete these, or use them outside of tests:", &unused);
}

#[test]
fn the_rules_find_what_they_look_for() {
    let file = File {
        path: "loader/src/new.rs".into(),
        text: "// unsafe {\nlet one = unsafe { 1 };\n".into(),
    };
    let found = unsafe_code(&file);
    assert_eq!(found, ["loader/src/new.rs:2: let one = unsafe { 1 };"]);
    assert!(file.is_in(&["loader/"]) && file.has_suffix(&[".rs"]));
    let public: Vec<_> = public_functions("fn a() {}\n    pub(super) const fn b() {}").collect();
    assert_eq!(public, ["b"]);
    let root = PathBuf::from("/a");
    assert_eq!(relative(&root, Path::new("/a/b/c")), "b/c");
}
