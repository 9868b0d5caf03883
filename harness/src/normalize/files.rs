//! The lines of a file event.

use std::fmt::Write as _;

use trapline_sensors::Family;
use trapline_sensors::abi::{self, Inode};
use trapline_sensors::event::{File, FileHow, FileOperation};

use super::identity::Cast;
use super::{names, text};

/// What follows the kind and the process in an event's first line.
pub fn headline(file: &File) -> String {
    let mut line = String::new();
    if let Some(how) = file.how {
        let _ = write!(line, " by {}", how.name());
    }
    match file.operation {
        FileOperation::Rename if file.detail != 0 => {
            let _ = write!(line, " with flags {:#x}", file.detail);
        }
        FileOperation::Map => {
            let _ = write!(line, " with protection {:#x}", file.detail);
        }
        FileOperation::Attributes if file.how == Some(FileHow::Chmod) => {
            let _ = write!(line, " to {:#o}", file.detail);
        }
        _ if file.detail != 0 && file.operation.family() == Family::Mount => {
            let _ = write!(line, " with flags {:#x}", file.detail);
        }
        _ if file.detail != 0 => {
            let _ = write!(line, " with detail {:#x}", file.detail);
        }
        _ => {}
    }
    let flags: Vec<&str> = file.flags.names().collect();
    if !flags.is_empty() {
        let _ = write!(line, " [{}]", flags.join(", "));
    }
    if file.error != 0 {
        let _ = write!(line, " fails: {}", names::error(file.error));
    }
    line
}

/// The paths and the files.
pub fn lines(file: &File, cast: &Cast) -> String {
    let mut lines = String::new();
    let other = match file.operation {
        FileOperation::Rename | FileOperation::Link | FileOperation::MountMove => "from",
        FileOperation::Mount if file.how == Some(FileHow::Bind) => "from",
        FileOperation::Mount => "source",
        FileOperation::Attributes => "name",
        _ => "target",
    };
    for (name, value) in [("path", &file.path), (other, &file.other_path)] {
        if name == "path" || !value.flags.has(abi::TEXT_NONE) {
            let _ = writeln!(lines, "  {name:<8}{}", text::text(value));
        }
    }
    let _ = writeln!(lines, "  {:<8}{}", "file", inode(&file.inode, cast));
    if let Some(other) = &file.other {
        let _ = writeln!(lines, "  {:<8}{}", "other", inode(other, cast));
    }
    lines
}

/// `F1 on D1  -rw-r--r-- 0:0  5 bytes  links 1`; times and generations are
/// compared with what the workload saw instead.
fn inode(inode: &Inode, cast: &Cast) -> String {
    if *inode == Inode::default() {
        return "-".to_owned();
    }
    let mut line = format!(
        "{}  {} {}:{}",
        cast.file(inode),
        names::mode(inode.mode),
        inode.uid,
        inode.gid,
    );
    // What a folder's size means is the file system's business.
    if inode.mode & names::MODE_TYPE != names::MODE_FOLDER {
        let _ = write!(line, "  {} bytes", inode.size_bytes);
    }
    let _ = write!(line, "  links {}", inode.links);
    line
}
