//! Snapshot files, in insta's format: a head between two lines `---`, then the text.

use std::cell::Cell;
use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use anyhow::{Context, Result};

/// The text of a snapshot; `None` when there is no such file.
///
/// # Errors
/// When it cannot be read or has no head.
pub fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(body(&text)?.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What follows the head.
pub fn body(text: &str) -> Result<&str> {
    let rest = text
        .strip_prefix("---\n")
        .context("a snapshot begins with a line `---`")?;
    let (_, body) = rest
        .split_once("\n---\n")
        .context("the snapshot's head has no end")?;
    Ok(body)
}

/// Whether two texts are the same but for line breaks at their ends, which insta does not keep.
pub fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('\n') == other.trim_end_matches('\n')
}

thread_local! {
    /// Whether a panic of this thread is insta's way to say no.
    static ASSERTING: Cell<bool> = const { Cell::new(false) };
}

/// Lets insta compare, which writes `.snap.new` when it says no. Says whether it did.
pub fn assert(path: &Path, workload: &str, suffix: Option<&str>, document: &str) -> bool {
    quiet_panics();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(path.parent().unwrap_or(Path::new("")));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    if let Some(suffix) = suffix {
        settings.set_snapshot_suffix(suffix);
    }
    ASSERTING.set(true);
    let accepted = panic::catch_unwind(AssertUnwindSafe(|| {
        settings.bind(|| insta::assert_snapshot!(workload, document));
    }));
    ASSERTING.set(false);
    accepted.is_err()
}

/// The row's own message tells what differs; insta's panic need not.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !ASSERTING.get() {
                hook(info);
            }
        }));
    });
}
