//! Calls that change names, and which of them are told: also those that the file system
//! itself has refused.

use super::calls::Asked;
use super::names::{Kind, NameId, Place};
use super::operation::Operation;
use super::strace::Returned;
use super::world::{Told, World};

/// errno of what is told although it failed.
const REFUSALS: [(&str, i32); 6] = [
    ("EISDIR", libc::EISDIR),
    ("ENOTDIR", libc::ENOTDIR),
    ("ENOTEMPTY", libc::ENOTEMPTY),
    ("EOPNOTSUPP", libc::EOPNOTSUPP),
    ("EPERM", libc::EPERM),
    ("EINVAL", libc::EINVAL),
];

/// Refused before the file system was asked; or by a kernel that does not have the call, as
/// Debian 13's tar tries fchmodat2(2) on any.
const BEFORE: [&str; 9] = [
    "EEXIST",
    "ENOENT",
    "EXDEV",
    "EROFS",
    "EBADF",
    "ELOOP",
    "ENAMETOOLONG",
    "EFAULT",
    "ENOSYS",
];

/// What came of it: none, if the file system was never asked.
fn outcome(asked: &Asked<'_>) -> Result<Option<i32>, String> {
    let error = match &asked.call.result {
        Returned::Value(_) => return Ok(Some(0)),
        Returned::Not => return Ok(None),
        Returned::Error(error) => &**error,
    };
    if BEFORE.contains(&error) {
        return Ok(None);
    }
    let known = REFUSALS.iter().find(|(name, _)| *name == error);
    let errno = known.map(|(_, errno)| Some(*errno));
    errno.ok_or_else(|| format!("whether {error} is told is not known here"))
}

impl World {
    pub(super) fn names_or_attributes(&mut self, asked: &Asked<'_>) -> Result<Told, String> {
        let Some(errno) = outcome(asked)? else {
            return Ok(Told::new());
        };
        match &*asked.call.name {
            "mkdir" => self.adds(asked, errno, None, 0, Kind::Folder, "mkdir"),
            "mkdirat" => self.adds(asked, errno, Some(0), 1, Kind::Folder, "mkdir"),
            "mknod" => self.adds(asked, errno, None, 0, node(asked, 1)?, "mknod"),
            "mknodat" => self.adds(asked, errno, Some(0), 1, node(asked, 2)?, "mknod"),
            "symlink" | "symlinkat" => {
                let at = usize::from(asked.is_name("symlinkat"));
                let kind = Kind::Symlink(asked.string(0)?);
                self.adds(
                    asked,
                    errno,
                    (at == 1).then_some(1),
                    1 + at,
                    kind,
                    "symlink",
                )
            }
            "link" => self.links(asked, errno, [None, None], [0, 1]),
            "linkat" => self.links(asked, errno, [Some(0), Some(2)], [1, 3]),
            "unlink" => self.removes(asked, errno, None, 0, false),
            "rmdir" => self.removes(asked, errno, None, 0, true),
            "unlinkat" => self.removes(asked, errno, Some(0), 1, asked.has(2, "AT_REMOVEDIR")),
            "rename" => self.renames(asked, errno, [None, None], [0, 1]),
            "renameat" | "renameat2" => self.renames(asked, errno, [Some(0), Some(2)], [1, 3]),
            _ => self.attributes(asked, errno),
        }
    }

    /// What arguments lead to; none: nobody looks there, or the way is not there, which
    /// only a call that failed may meet.
    pub(super) fn place(
        &self,
        asked: &Asked<'_>,
        errno: i32,
        folder: Option<usize>,
        path: usize,
        follow: bool,
    ) -> Result<Option<Place>, String> {
        let folder = folder.map(|index| asked.text(index)).transpose()?;
        match self.walk(asked.pid, folder, &asked.string(path)?, follow) {
            Ok(place) => Ok(place),
            Err(_) if errno != 0 => Ok(None),
            Err(_) => Err("the way there is not there".to_owned()),
        }
    }

    fn adds(
        &mut self,
        asked: &Asked<'_>,
        errno: i32,
        folder: Option<usize>,
        path: usize,
        kind: Kind,
        how: &'static str,
    ) -> Result<Told, String> {
        let Some(place) = self.place(asked, errno, folder, path, false)? else {
            return Ok(Told::new());
        };
        if place.there.is_some() {
            return Err("it creates what is there".to_owned());
        }
        let mut told = Operation::new("file_create", how, self.names.path_of(&place));
        told.errno = errno;
        if let Kind::Symlink(target) = &kind {
            told.other.clone_from(target);
        }
        if errno == 0 {
            self.new_name(&place, kind);
        }
        Ok(vec![told])
    }

    fn links(
        &mut self,
        asked: &Asked<'_>,
        errno: i32,
        folders: [Option<usize>; 2],
        paths: [usize; 2],
    ) -> Result<Told, String> {
        let follow = asked.has(4, "AT_SYMLINK_FOLLOW");
        let old = self.place(asked, errno, folders[0], paths[0], follow)?;
        let new = self.place(asked, errno, folders[1], paths[1], false)?;
        let (Some(old), Some(new)) = (old, new) else {
            return Ok(Told::new());
        };
        let (Some(from), None) = (old.there, new.there) else {
            return Err("it links what is not there, or to what is".to_owned());
        };
        let mut told = Operation::new("file_link", "", self.names.path_of(&new));
        told.errno = errno;
        told.other = self.names.path(from);
        if errno == 0 {
            let file = self.names.file(from);
            self.names.add(&new, file);
        }
        Ok(vec![told])
    }

    fn removes(
        &mut self,
        asked: &Asked<'_>,
        errno: i32,
        folder: Option<usize>,
        path: usize,
        is_folder: bool,
    ) -> Result<Told, String> {
        let place = self.place(asked, errno, folder, path, false)?;
        let Some(name) = place.and_then(|place| place.there) else {
            return match errno {
                0 => Err("it removes what is not there".to_owned()),
                _ => Ok(Told::new()),
            };
        };
        let how = if is_folder { "rmdir" } else { "unlink" };
        let mut told = Operation::new("file_delete", how, self.names.path(name));
        told.errno = errno;
        if errno == 0 {
            let is_held = !is_folder && self.is_held(name);
            self.names.remove(name);
            let is_last = self.names.links(self.names.file(name)) == 0;
            told.flags.extend(is_last.then_some("last_link"));
            told.flags.extend(is_held.then_some("still_open"));
        }
        Ok(vec![told])
    }

    fn renames(
        &mut self,
        asked: &Asked<'_>,
        errno: i32,
        folders: [Option<usize>; 2],
        paths: [usize; 2],
    ) -> Result<Told, String> {
        let old = self.place(asked, errno, folders[0], paths[0], false)?;
        let new = self.place(asked, errno, folders[1], paths[1], false)?;
        let (Some(old), Some(new)) = (old, new) else {
            return Ok(Told::new());
        };
        let Some(from) = old.there else {
            return Err("it renames what is not there".to_owned());
        };
        // The kernel looks at this before it asks the file system.
        let is_around = |to: NameId| self.names.is_above(to, from) || self.names.is_above(from, to);
        if errno != 0 && (new.there.is_some_and(is_around) || errno == libc::EINVAL) {
            return Ok(Told::new());
        }
        // Two names of one file: it succeeds, and leaves both as they are.
        let file = self.names.file(from);
        if new.there.is_some_and(|to| self.names.file(to) == file) {
            return Ok(Told::new());
        }
        let mut told = Operation::new("file_rename", "", self.names.path_of(&new));
        told.errno = errno;
        told.other = self.names.path(from);
        let bits = [("RENAME_NOREPLACE", 1), ("RENAME_EXCHANGE", 2)];
        let asked_for = bits.into_iter().filter(|(name, _)| asked.has(4, name));
        told.detail = asked_for.map(|(_, bit)| bit).sum();
        match new.there {
            _ if errno != 0 => {}
            Some(to) if told.detail & 2 != 0 => {
                self.names.exchange(from, to);
                told.flags.push("exchanged");
            }
            there => {
                if let Some(to) = there {
                    self.names.remove(to);
                    told.flags.push("replaced");
                }
                self.names.take_to(from, new.folder, &new.name);
            }
        }
        Ok(vec![told])
    }
}

/// What mknod makes.
fn node(asked: &Asked<'_>, mode: usize) -> Result<Kind, String> {
    let is_regular = asked.has(mode, "S_IFREG") || !asked.text(mode)?.contains("S_IF");
    Ok(if is_regular {
        Kind::Regular
    } else {
        Kind::Other
    })
}
