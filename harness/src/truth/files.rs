//! A fact about a file against its event, value by value.

use trapline_sensors::abi::{self, Inode};
use trapline_sensors::event::{self, Text, TextFlags};

use super::compare::Differences;
use super::fact::{Bytes, File, Stat};
use crate::normalize::text::text_of;

/// What procfs puts behind the path of a file that has none any more.
const DELETED: &[u8] = b" (deleted)";

/// A file event.
pub fn file(kind: &event::File, truth: &File) -> Differences {
    let mut differences = Differences::default();
    differences.same("operation", kind.operation.name(), &truth.operation);
    let how = kind.how.map(event::FileHow::name);
    differences.same("how", how, truth.how.as_deref());
    differences.same("error", kind.error, truth.error);
    differences.same("detail", kind.detail, truth.detail);
    let flags: Vec<&str> = kind.flags.names().collect();
    differences.same("flags", flags.join(", "), truth.flags.join(", "));
    path(
        &mut differences,
        "path",
        &kind.path,
        &truth.path,
        &truth.path_flags,
    );
    match (&truth.old_path, &truth.target) {
        (Some(old), _) => path(&mut differences, "old path", &kind.other_path, old, &[]),
        (None, Some(target)) => {
            let event = text_of(&kind.other_path.bytes);
            differences.same("target", event, text_of(&target.0));
            differences.same("target flags", kind.other_path.flags.0, 0);
        }
        (None, None) => {
            differences.same("other path", kind.other_path.flags.0, abi::TEXT_NONE);
        }
    }
    inode(
        &mut differences,
        "file",
        Some(&kind.inode),
        truth.stat.as_ref(),
    );
    inode(
        &mut differences,
        "other",
        kind.other.as_ref(),
        truth.other.as_ref(),
    );
    differences
}

/// A path as readlink(2) shows it, byte by byte, with its marks as flags.
fn path(
    differences: &mut Differences,
    field: &str,
    event: &Text,
    truth: &Bytes,
    more_flags: &[String],
) {
    let bare = truth.0.strip_suffix(DELETED).unwrap_or(&truth.0);
    let is_cut = event.flags.has(abi::TEXT_CUT_FRONT);
    if is_cut {
        // What is left must fill the room but for one more name.
        let full = event.bytes.len() + 255 > abi::PATH_BYTES;
        differences.same(
            &format!("{field} cut at the front"),
            bare.ends_with(&event.bytes) && event.bytes != bare && full,
            true,
        );
    } else {
        let shown = text_of(&event.bytes);
        differences.same(field, shown, text_of(bare));
    }
    let told = abi::TEXT_CUT_FRONT | abi::TEXT_DELETED;
    let gone = event.flags.has(abi::TEXT_DELETED);
    differences.same(
        &format!("{field} is deleted"),
        gone,
        truth.0.ends_with(DELETED),
    );
    let more = TextFlags(event.flags.0 & !told);
    let more: Vec<&str> = more.names().collect();
    differences.same(
        &format!("{field} flags"),
        more.join(", "),
        more_flags.join(", "),
    );
}

fn inode(differences: &mut Differences, field: &str, event: Option<&Inode>, truth: Option<&Stat>) {
    let event = event.filter(|inode| **inode != Inode::default());
    let (Some(event), Some(truth)) = (event, truth) else {
        // Where the workload could not look, the document shows what was told.
        if let Some(truth) = truth {
            differences
                .0
                .push(format!("{field}: no event, truth {truth:?}"));
        }
        return;
    };
    let mut same = |name: &str, event: u64, truth: u64| {
        differences.same(&format!("{field} {name}"), event, truth);
    };
    same("inode", event.inode, truth.inode);
    same("size", event.size_bytes, truth.size);
    same("mode", event.mode.into(), truth.mode.into());
    same("uid", event.uid.into(), truth.uid.into());
    same("gid", event.gid.into(), truth.gid.into());
    same("links", event.links.into(), truth.links.into());
    same("major", event.device_major.into(), truth.major.into());
    same("minor", event.device_minor.into(), truth.minor.into());
    same("fs_magic", event.fs_magic.into(), truth.fs_magic.into());
    if let Some(generation) = truth.generation {
        same("generation", event.generation.into(), generation.into());
    }
    if let Some(ctime_ns) = truth.ctime_ns {
        same("ctime", event.change_time_ns, ctime_ns);
    }
}
