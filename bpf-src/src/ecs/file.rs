//! Files and mounts.

use super::text;
use crate::abi;
use crate::event::{File, FileOperation, Inode, Text};
use crate::json::Object;

/// Type and permission bits of `st_mode` that `file.mode` tells.
const PERMISSIONS: u32 = 0o7777;

pub(super) fn types(operation: FileOperation) -> &'static [&'static str] {
    match operation {
        FileOperation::Create | FileOperation::Link | FileOperation::Mount => &["creation"],
        FileOperation::Delete | FileOperation::Umount => &["deletion"],
        FileOperation::Read => &["access"],
        FileOperation::Rename
        | FileOperation::Write
        | FileOperation::Truncate
        | FileOperation::Map
        | FileOperation::CloseWrite
        | FileOperation::Attributes
        | FileOperation::MountMove
        | FileOperation::MountChange => &["change"],
    }
}

pub(super) fn members(json: &mut Object, file: &File) {
    path(json, &file.path);
    inode(json, &file.inode);
    let other = match file.operation {
        FileOperation::Create => "file.target_path",
        FileOperation::Rename | FileOperation::Link | FileOperation::MountMove => {
            "trapline.file.old_path"
        }
        FileOperation::Attributes => "trapline.file.attribute",
        _ => "trapline.file.source",
    };
    text(json, other, &file.other_path);
    if let Some(how) = file.how {
        json.string("trapline.file.how", how.name().as_bytes());
    }
    if file.detail != 0 {
        json.number("trapline.file.detail", file.detail);
    }
    if let Some(replaced) = &file.other {
        json.string(
            "trapline.file.other.inode",
            replaced.inode.to_string().as_bytes(),
        );
    }
    json.names("trapline.file.flags", file.flags.names());
}

/// The path, and what it is made of.
fn path(json: &mut Object, path: &Text) {
    if path.flags.has(abi::TEXT_NONE) {
        return;
    }
    text(json, "file.path", path);
    let told = String::from_utf8_lossy(&path.bytes);
    let (folder, name) = told.rsplit_once('/').unwrap_or(("", &told));
    json.string("file.name", name.as_bytes());
    let folder = if folder.is_empty() { "/" } else { folder };
    json.string("file.directory", folder.as_bytes());
    // A dot in front hides a file, it does not say what it is.
    let extension = name.rsplit_once('.');
    let extension =
        extension.filter(|(before, extension)| !before.is_empty() && !extension.is_empty());
    if let Some((_, extension)) = extension {
        json.string("file.extension", extension.as_bytes());
    }
}

fn inode(json: &mut Object, inode: &Inode) {
    json.string("file.inode", inode.inode.to_string().as_bytes());
    json.number("file.size", inode.size_bytes);
    let mode = format!("{:04o}", inode.mode & PERMISSIONS);
    json.string("file.mode", mode.as_bytes());
    json.string("file.uid", inode.uid.to_string().as_bytes());
    json.string("file.gid", inode.gid.to_string().as_bytes());
    let device = format!("{}:{}", inode.device_major, inode.device_minor);
    json.string("file.device", device.as_bytes());
    json.string("file.type", kind(inode.mode).as_bytes());
}

/// By the type bits of `st_mode`.
fn kind(mode: u32) -> &'static str {
    match mode >> 12 {
        0o01 => "pipe",
        0o02 => "character_device",
        0o04 => "dir",
        0o06 => "block_device",
        0o12 => "symlink",
        0o14 => "socket",
        _ => "file",
    }
}
