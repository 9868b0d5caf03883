//! Operations on names of a few letters: made at random, written and read as one
//! line, done to a real file system.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

use super::super::tree::Random;
use crate::sys::{contents, file};

/// `renameat2(2)`'s flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renaming {
    Plain,
    ToFree,
    Exchange,
}

impl Renaming {
    fn flags(self) -> u32 {
        match self {
            Self::Plain => 0,
            Self::ToFree => libc::RENAME_NOREPLACE,
            Self::Exchange => libc::RENAME_EXCHANGE,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Plain => "rename",
            Self::ToFree => "rename-to-free",
            Self::Exchange => "exchange",
        }
    }
}

/// One operation, on paths below the tree's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// open, for a new file only.
    Create(String),
    /// open, for a new file or what is left of an old one.
    Overwrite(String),
    Write(String, u64),
    Read(String),
    Truncate(String, u64),
    Chmod(String, u32),
    Mkdir(String),
    Mkfifo(String),
    Symlink(String, String),
    Link(String, String),
    Unlink(String),
    Rmdir(String),
    Rename(String, String, Renaming),
}

const NAMES: [&str; 4] = ["a", "b", "c", "long-enough-not-to-be-inline-in-a-dentry"];

/// What there is to be met.
#[derive(Debug, Default)]
pub struct Places {
    /// Every path.
    pub all: Vec<String>,
    /// Those of folders.
    pub folders: Vec<String>,
}

impl Places {
    /// Any, of one to three names.
    fn any(random: &mut Random) -> String {
        let depth = 1 + random.below(3);
        let parts: Vec<&str> = (0..depth).map(|_| NAMES[random.below(4)]).collect();
        parts.join("/")
    }

    /// Mostly one that there is.
    fn existing(&self, random: &mut Random) -> String {
        match (random.below(5), self.all.len()) {
            (0, _) | (_, 0) => Self::any(random),
            (_, all) => self.all[random.below(all)].clone(),
        }
    }

    /// Mostly a name in a folder that there is.
    fn fresh(&self, random: &mut Random) -> String {
        match (random.below(5), self.folders.len()) {
            (0, _) | (_, 0) => Self::any(random),
            (_, all) => {
                let folder = &self.folders[random.below(all)];
                format!("{folder}/{}", NAMES[random.below(4)])
            }
        }
    }
}

impl Operation {
    /// One at random.
    pub fn random(random: &mut Random, places: &Places) -> Self {
        let old = |random: &mut Random| places.existing(random);
        let new = |random: &mut Random| places.fresh(random);
        match random.below(30) {
            0..4 => Self::Create(new(random)),
            4 => Self::Overwrite(old(random)),
            5..8 => Self::Write(old(random), 1 + random.below(5000) as u64),
            8..10 => Self::Read(old(random)),
            10 => Self::Truncate(old(random), random.below(9000) as u64),
            11 => Self::Chmod(old(random), 0o600 + random.below(64) as u32),
            12..17 => Self::Mkdir(new(random)),
            17 => Self::Mkfifo(new(random)),
            18 => Self::Symlink(new(random), "/no-such-place/at-all".to_owned()),
            19..21 => Self::Link(old(random), new(random)),
            21..24 => Self::Unlink(old(random)),
            24 => Self::Rmdir(old(random)),
            25..27 => Self::Rename(old(random), new(random), Renaming::Plain),
            27 => Self::Rename(old(random), old(random), Renaming::Plain),
            28 => Self::Rename(old(random), new(random), Renaming::ToFree),
            _ => Self::Rename(old(random), old(random), Renaming::Exchange),
        }
    }

    /// Does it below a folder; the errno of what went wrong, 0 if nothing did.
    pub fn perform(&self, root: &Path) -> i32 {
        match self.tried(root) {
            Ok(()) => 0,
            Err(error) => error.raw_os_error().unwrap_or(-1),
        }
    }

    fn tried(&self, root: &Path) -> io::Result<()> {
        let at = |path: &str| root.join(path);
        // Without waiting for who is at the other end of a fifo.
        let opened = |path: &str, options: &mut OpenOptions| {
            options.custom_flags(libc::O_NONBLOCK).open(at(path))
        };
        match self {
            Self::Create(path) => File::create_new(at(path)).map(drop),
            Self::Overwrite(path) => {
                let options = &mut OpenOptions::new();
                opened(path, options.write(true).create(true).truncate(true)).map(drop)
            }
            Self::Write(path, bytes) => {
                let mut file = opened(path, OpenOptions::new().write(true))?;
                file.write_all(&vec![b'x'; usize::try_from(*bytes).unwrap_or(0)])
            }
            Self::Read(path) => {
                let mut file = opened(path, OpenOptions::new().read(true))?;
                file.read(&mut [0; 16]).map(drop)
            }
            Self::Truncate(path, bytes) => {
                contents::truncate(&at(path), i64::try_from(*bytes).unwrap_or(0))
            }
            Self::Chmod(path, mode) => fs::set_permissions(at(path), Permissions::from_mode(*mode)),
            Self::Mkdir(path) => fs::create_dir(at(path)),
            Self::Mkfifo(path) => file::mknod(&at(path), libc::S_IFIFO | 0o600, 0),
            Self::Symlink(path, target) => symlink(target, at(path)),
            Self::Link(old, new) => fs::hard_link(at(old), at(new)),
            Self::Unlink(path) => fs::remove_file(at(path)),
            Self::Rmdir(path) => fs::remove_dir(at(path)),
            Self::Rename(old, new, renaming) => file::rename(&at(old), &at(new), renaming.flags()),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(path) => write!(f, "create {path}"),
            Self::Overwrite(path) => write!(f, "overwrite {path}"),
            Self::Write(path, bytes) => write!(f, "write {path} {bytes}"),
            Self::Read(path) => write!(f, "read {path}"),
            Self::Truncate(path, bytes) => write!(f, "truncate {path} {bytes}"),
            Self::Chmod(path, mode) => write!(f, "chmod {path} {mode}"),
            Self::Mkdir(path) => write!(f, "mkdir {path}"),
            Self::Mkfifo(path) => write!(f, "mkfifo {path}"),
            Self::Symlink(path, target) => write!(f, "symlink {path} {target}"),
            Self::Link(old, new) => write!(f, "link {old} {new}"),
            Self::Unlink(path) => write!(f, "unlink {path}"),
            Self::Rmdir(path) => write!(f, "rmdir {path}"),
            Self::Rename(old, new, renaming) => write!(f, "{} {old} {new}", renaming.word()),
        }
    }
}

/// Reads one as it is written; `None` if it is none.
pub fn read(text: &str) -> Option<Operation> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let path = || words.get(1).map(|path| (*path).to_owned());
    let second = || words.get(2).map(|path| (*path).to_owned());
    let number = || words.get(2).and_then(|word| word.parse().ok());
    let is_one = words.len() == 2;
    let operation = match (*words.first()?, is_one) {
        ("create", true) => Operation::Create(path()?),
        ("overwrite", true) => Operation::Overwrite(path()?),
        ("write", false) => Operation::Write(path()?, number()?),
        ("read", true) => Operation::Read(path()?),
        ("truncate", false) => Operation::Truncate(path()?, number()?),
        ("chmod", false) => Operation::Chmod(path()?, u32::try_from(number()?).ok()?),
        ("mkdir", true) => Operation::Mkdir(path()?),
        ("mkfifo", true) => Operation::Mkfifo(path()?),
        ("symlink", false) => Operation::Symlink(path()?, second()?),
        ("link", false) => Operation::Link(path()?, second()?),
        ("unlink", true) => Operation::Unlink(path()?),
        ("rmdir", true) => Operation::Rmdir(path()?),
        (word, false) => {
            let all = [Renaming::Plain, Renaming::ToFree, Renaming::Exchange];
            let renaming = all.into_iter().find(|it| it.word() == word)?;
            Operation::Rename(path()?, second()?, renaming)
        }
        _ => return None,
    };
    (words.len() <= 3).then_some(operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut random = Random::new(7);
        let places = Places {
            all: vec!["a".to_owned(), "a/b".to_owned()],
            folders: vec!["a".to_owned()],
        };
        for _ in 0..500 {
            let operation = Operation::random(&mut random, &places);
            assert_eq!(read(&operation.to_string()), Some(operation));
        }
    }

    #[test]
    fn what_is_no_operation_is_none() {
        for text in [
            "fly a",
            "create",
            "create a b",
            "write a x",
            "link a",
            "rename a b c",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
