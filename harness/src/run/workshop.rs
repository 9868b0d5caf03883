//! What the guest needs to build the small C project: the project, the tools of this
//! machine with their libraries, and what the compiler reads.
//!
//! The compiler is tcc, which has its own linker: of gcc 12 the part that compiles alone
//! has 33 MB, which an emulated guest would read and translate anew for every boot.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::host;
use crate::images::{Extra, libraries};

/// Below the root, and where the guest finds it.
const PROJECT: (&str, &str) = ("harness/guest/project", "project");

/// Names here and in the guest.
const TOOLS: [(&str, &str); 18] = [
    ("dash", "bin/sh"),
    ("ar", "usr/bin/ar"),
    ("chmod", "usr/bin/chmod"),
    ("cp", "usr/bin/cp"),
    ("install", "usr/bin/install"),
    ("ln", "usr/bin/ln"),
    ("make", "usr/bin/make"),
    ("mkdir", "usr/bin/mkdir"),
    ("mv", "usr/bin/mv"),
    ("rm", "usr/bin/rm"),
    ("rmdir", "usr/bin/rmdir"),
    ("sed", "usr/bin/sed"),
    ("strace", "usr/bin/strace"),
    ("strip", "usr/bin/strip"),
    ("tar", "usr/bin/tar"),
    ("tcc", "usr/bin/tcc"),
    ("touch", "usr/bin/touch"),
    ("truncate", "usr/bin/truncate"),
];

/// What a linker adds to each program, below the folder of libraries.
const LINKED: [&str; 5] = ["crt1.o", "crti.o", "crtn.o", "libc.so", "libc_nonshared.a"];

/// For headers under the paths by which others include them: Debian 13 has links in their
/// place, and gcc would name the files that those lead to.
const AS_INCLUDED: &str = "-fno-canonical-system-headers";

/// All files, each under the path by which it is asked for.
///
/// # Errors
/// A sentence that names what is missing, and the command that installs it.
pub(super) fn files() -> Result<Vec<Extra>, String> {
    let project = host::workspace_root().join(PROJECT.0);
    let mut sources = Vec::new();
    below(&project, &mut sources)?;
    let mut files = Vec::new();
    let mut add = |from: &Path, to: &str, mode: u32| -> Result<(), String> {
        let content = std::fs::read(from)
            .map_err(|error| format!("cannot read {}: {error}: run ci/setup", from.display()))?;
        files.push(Extra {
            path: to.trim_start_matches('/').to_owned(),
            content: content.into(),
            mode,
        });
        Ok(())
    };
    for source in &sources {
        let below = source.strip_prefix(&project).unwrap_or(source);
        add(source, &format!("{}/{}", PROJECT.1, below.display()), 0o644)?;
    }
    let mut needed = Vec::new();
    for (name, place) in TOOLS {
        let tool = found(name)?;
        add(&tool, place, 0o755)?;
        needed.extend(libraries::needed_by(&tool)?);
    }
    needed.sort();
    needed.dedup();
    let folder = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    for library in needed {
        add(&library, &library.to_string_lossy(), 0o755)?;
        // Programs ask for the dynamic linker elsewhere than the compiler does.
        let name = library.file_name().unwrap_or_default().to_string_lossy();
        let place = format!("{folder}/{name}");
        if name.starts_with("ld-linux") && library != Path::new(&place) {
            add(&library, &place, 0o755)?;
        }
    }
    let linked = LINKED.map(|name| PathBuf::from(format!("{folder}/{name}")));
    let mut read = linked.to_vec();
    below(Path::new(&format!("{folder}/tcc")), &mut read)?;
    read.extend(headers(&sources)?);
    for file in read {
        add(&file, &file.to_string_lossy(), 0o644)?;
    }
    Ok(files)
}

fn found(name: &str) -> Result<PathBuf, String> {
    let folders = ["/usr/bin", "/bin"].map(Path::new);
    let mut places = folders.iter().map(|folder| folder.join(name));
    let found = places.find(|place| place.is_file());
    found.ok_or_else(|| format!("there is no {name} to put into the guest: run ci/setup"))
}

/// All files in a folder and those in it.
fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |error| format!("cannot read {}: {error}: run ci/setup", folder.display());
    let entries = std::fs::read_dir(folder).map_err(cannot)?;
    let entries: Result<Vec<_>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut entries = entries.map_err(cannot)?;
    entries.sort();
    for entry in entries {
        match entry.is_dir() {
            true => below(&entry, files)?,
            false => files.push(entry),
        }
    }
    Ok(())
}

/// The machine's headers that the project includes, and those that they include.
fn headers(sources: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut included = String::new();
    for source in sources {
        let text = std::fs::read_to_string(source)
            .map_err(|error| format!("cannot read {}: {error}", source.display()))?;
        let lines = text.lines().filter(|line| line.starts_with("#include <"));
        included.extend(lines.flat_map(|line| [line, "\n"]));
    }
    let fails = |error| format!("gcc -M: {error}: run ci/setup");
    let mut gcc = Command::new("gcc")
        .args(["-M", AS_INCLUDED, "-x", "c", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(fails)?;
    if let Some(mut stdin) = gcc.stdin.take() {
        stdin.write_all(included.as_bytes()).map_err(fails)?;
    }
    let output = gcc.wait_with_output().map_err(fails)?;
    if !output.status.success() {
        return Err(format!("gcc -M ended with {}: run ci/setup", output.status));
    }
    Ok(in_rule(&String::from_utf8_lossy(&output.stdout)))
}

/// The headers that a rule for make names, but for the compiler's own.
fn in_rule(rule: &str) -> Vec<PathBuf> {
    let words = rule.split_ascii_whitespace();
    let headers = words.filter(|word| word.starts_with("/usr/include/"));
    headers.map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compilers_own_headers_are_not_for_another() {
        let rule = "-: /usr/include/stdc-predef.h \\\n /usr/lib/gcc/include/stddef.h \\\n \
            /usr/include/stdio.h\n";
        let names = ["/usr/include/stdc-predef.h", "/usr/include/stdio.h"];
        assert_eq!(in_rule(rule), names.map(PathBuf::from));
    }

    #[test]
    fn a_missing_tool_names_the_script_that_installs_it() {
        let error = found("no-such-tool").unwrap_err();
        assert!(error.contains("no-such-tool") && error.contains("ci/setup"));
    }

    #[test]
    fn the_project_and_its_tools_are_there() {
        let files = files().unwrap();
        for path in [
            "project/Makefile",
            "project/lib/table.c",
            "usr/bin/tcc",
            "bin/sh",
            "usr/include/stdio.h",
        ] {
            assert!(files.iter().any(|file| file.path == path), "{path}");
        }
        let asked_for = format!(
            "usr/include/{}-linux-gnu/asm/errno.h",
            std::env::consts::ARCH
        );
        assert!(
            files.iter().any(|file| file.path == asked_for),
            "{asked_for}"
        );
    }
}
