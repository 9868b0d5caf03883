//! Writing newer kernels into the lock, leaving comments and order alone.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::Series;
use super::archive::Archive;
use super::index;
use super::lock::{Lock, Pin};
use crate::progress::Progress;

/// One line of what an update did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The series.
    pub series: Series,
    /// What was locked.
    pub from: String,
    /// What is locked now; the same when it was the newest already.
    pub to: String,
}

/// The text of the lock `text` with the newest kernel of each series of
/// `wanted` (all when empty), and what changed.
///
/// # Errors
/// When the archive cannot be asked or has no kernel of a series.
pub fn update_text(
    text: &str,
    path: &Path,
    wanted: &[Series],
    archive: &mut dyn Archive,
    progress: &Progress,
) -> Result<(String, Vec<Change>)> {
    let lock = Lock::parse(text, path)?;
    let mut document: DocumentMut = text.parse()?;
    let tables = document
        .get_mut("kernel")
        .and_then(Item::as_array_of_tables_mut);
    let tables = tables.context("the lock has no [[kernel]]")?;
    let mut changes = Vec::new();
    for entry in lock.select(wanted)? {
        let series = entry.series;
        let pins = archive.pins(entry.arch, lock.suites(), progress)?;
        let newest = index::newest(&pins, series)
            .with_context(|| format!("no kernel {series} is in {}", lock.suites().join(", ")))?;
        changes.push(Change {
            series,
            from: entry.pin.version.clone(),
            to: newest.version.clone(),
        });
        let modules = index::modules_package(&pins, newest);
        let arch = entry.arch.debian_name();
        let table = table_of(tables, series, arch).context("the lock changed while read")?;
        write_pin(table, newest, true);
        write_modules(table, modules);
    }
    let text = document.to_string();
    // What is written can be read again, or nothing is written.
    Lock::parse(&text, path).context("the updated lock")?;
    Ok((text, changes))
}

fn table_of<'a>(
    tables: &'a mut ArrayOfTables,
    series: Series,
    arch: &str,
) -> Option<&'a mut Table> {
    let series = series.to_string();
    tables.iter_mut().find(|table| {
        let is = |key: &str, text: &str| table.get(key).and_then(Item::as_str) == Some(text);
        is("series", &series) && is("arch", arch)
    })
}

fn write_pin(table: &mut Table, pin: &Pin, with_suite: bool) {
    set(table, "package", value(pin.package.as_str()));
    set(table, "version", value(pin.version.as_str()));
    if with_suite {
        set(table, "suite", value(pin.suite.as_str()));
    }
    // Packages are far below 2^63 bytes.
    set(table, "size_bytes", value(pin.size_bytes.cast_signed()));
    set(table, "sha256", value(pin.sha256.as_str()));
}

fn write_modules(table: &mut Table, modules: Option<&Pin>) {
    let Some(pin) = modules else {
        table.remove("modules_package");
        return;
    };
    let place = table
        .entry("modules_package")
        .or_insert_with(|| Item::Table(Table::new()));
    if let Some(place) = place.as_table_mut() {
        write_pin(place, pin, false);
    }
}

/// Replaces a value but keeps the blanks and the comment around it.
fn set(table: &mut Table, key: &str, mut new: Item) {
    let old = table
        .get(key)
        .and_then(Item::as_value)
        .map(|old| old.decor().clone());
    if let (Some(old), Some(new)) = (old, new.as_value_mut()) {
        *new.decor_mut() = old;
    }
    table.insert(key, new);
}

/// Updates the lock of the repository at `root`, in one rename.
///
/// # Errors
/// As [`update_text`], or when the file cannot be written.
pub fn update(
    root: &Path,
    wanted: &[Series],
    archive: &mut dyn Archive,
    progress: &Progress,
) -> Result<Vec<Change>> {
    let path = root.join(super::LOCK_PATH);
    let read = || format!("cannot read the kernel lock {}", path.display());
    let text = fs::read_to_string(&path).with_context(read)?;
    let (updated, changes) = update_text(&text, &path, wanted, archive, progress)?;
    if updated != text {
        let aside = path.with_extension("toml.new");
        fs::write(&aside, updated)
            .and_then(|()| fs::rename(&aside, &path))
            .with_context(|| format!("cannot write the kernel lock {}", path.display()))?;
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::FakeArchive;

    const LOCK: &str = r#"# Says why.
[archive]
suites = ["old", "new"] # both

# An old one.
[[kernel]]
series = "6.12"
arch = "amd64"
package = "linux-image-6.12.1-cloud-amd64"
version = "6.12.1-1"  # first
suite = "old"
size_bytes = 9000000
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
modules = ["virtio_pci"]

[kernel.modules_package]
package = "linux-modules-6.12.1-cloud-amd64"
version = "6.12.1-1"
size_bytes = 5
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"

[[kernel]]
series = "7.3"
arch = "amd64"
package = "linux-binary-7.3.4-cloud-amd64"
version = "7.3.4-1"
suite = "new"
size_bytes = 9000000
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"
modules = []
"#;

    fn archive() -> FakeArchive {
        let mut archive = FakeArchive::default();
        archive.list("linux-image-6.12.9-cloud-amd64", "6.12.9-1", "new");
        archive.list("linux-binary-7.3.4-cloud-amd64", "7.3.4-1", "new");
        archive.list("linux-binary-7.3.5-cloud-amd64", "7.3.5-1", "new");
        archive
    }

    fn run(wanted: &[Series]) -> Result<(String, Vec<Change>)> {
        let quiet = Progress::lines(std::io::sink());
        update_text(LOCK, Path::new("lock"), wanted, &mut archive(), &quiet)
    }

    #[test]
    fn an_update_changes_the_values_of_one_kernel_and_nothing_else() {
        let (text, changes) = run(&[Series::new(6, 12)]).unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!(
            (changes[0].from.as_str(), changes[0].to.as_str()),
            ("6.12.1-1", "6.12.9-1")
        );
        for kept in [
            "# Says why.",
            "] # both",
            "# An old one.",
            "version = \"6.12.9-1\"  # first",
        ] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
        let lock = Lock::parse(&text, Path::new("lock")).unwrap();
        let entry = lock.get(Series::new(6, 12)).unwrap();
        assert_eq!(entry.pin.suite, "new");
        assert_eq!(entry.modules, ["virtio_pci"]);
        assert_eq!(
            entry.modules_package, None,
            "none of that version is in the archive"
        );
        let (_, untouched) = LOCK.split_at(LOCK.rfind("[[kernel]]").unwrap());
        assert!(text.ends_with(untouched), "{text}");
    }

    #[test]
    fn without_a_choice_all_are_updated() {
        let (text, changes) = run(&[]).unwrap();
        assert_eq!(changes.len(), 2);
        assert!(text.contains("7.3.5-1") && text.contains("6.12.9-1"));
    }

    #[test]
    fn a_series_the_archive_lacks_is_an_error_and_leaves_the_text() {
        let mut empty = FakeArchive::default();
        let quiet = Progress::lines(std::io::sink());
        let error = update_text(LOCK, Path::new("lock"), &[], &mut empty, &quiet).unwrap_err();
        assert_eq!(error.to_string(), "no kernel 6.12 is in old, new");
    }
}
