//! Names in a bpf file system for what was loaded.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use trapline_loader::attach::Link;
use trapline_loader::object::Object;
use trapline_loader::{Error, Result};

/// Pins the maps and programs of an object and its links: `DIR/OBJECT/maps/NAME`
/// and so on, each under its name in C. All or nothing.
///
/// # Errors
/// What the kernel says; `InvalidInput` for an attachment that cannot be pinned.
pub fn pin(dir: &Path, object: &Object, links: &mut [(String, Link)]) -> Result<()> {
    let mut pinned = Vec::new();
    let result = pin_all(dir, object, links, &mut pinned);
    if result.is_err() {
        for path in &pinned {
            // What cannot be removed was just made by us; there is no more to
            // be done about it than to tell the first error.
            let _ = std::fs::remove_file(path);
        }
    }
    result
}

fn pin_all(
    dir: &Path,
    object: &Object,
    links: &mut [(String, Link)],
    pinned: &mut Vec<PathBuf>,
) -> Result<()> {
    let base = dir.join(stem(object.name()));
    for map in object.maps() {
        let path = place(&base, "maps", map.name())?;
        map.pin(&path)?;
        pinned.push(path);
    }
    for program in object.programs() {
        let path = place(&base, "programs", program.name())?;
        program.pin(&path)?;
        pinned.push(path);
    }
    for (program, link) in links {
        let path = place(&base, "links", program)?;
        let context = |error: Error| error.context(format!("program {program}"));
        link.pin(&path).map_err(context)?;
        pinned.push(path);
    }
    Ok(())
}

/// Where a thing of that name goes; its folder is made, and nobody else may look into
/// it: whoever can open a pin can detach or change what is behind it.
fn place(base: &Path, what: &str, name: &str) -> Result<PathBuf> {
    let folder = base.join(what);
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    made.map_err(|error| Error::io(&folder, &error))?;
    Ok(folder.join(plain(name)))
}

/// A name without the dots that a bpf file system refuses.
fn plain(name: &str) -> String {
    name.replace('.', "_")
}

/// `process` of `a/process.bpf.o`.
fn stem(object: &str) -> String {
    let file = object.rsplit('/').next().unwrap_or(object);
    let stem = file.strip_suffix(".o").unwrap_or(file);
    plain(stem.strip_suffix(".bpf").unwrap_or(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_a_bpf_file_system_takes() {
        assert_eq!(plain(".rodata.cst"), "_rodata_cst");
        assert_eq!(stem("a.b/process.bpf.o"), "process");
        assert_eq!(stem("my.v2.o"), "my_v2");
    }
}
