//! The names of a file system, as calls change them: where a path leads, what a name
//! is called now, how many names a file has.
//!
//! A name is its own thing, as in the kernel: an open file keeps the one it was opened
//! by, which may move with the folders above it, and may be gone.

use std::collections::BTreeMap;

pub type NameId = usize;
pub type FileId = usize;

/// What a name names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Regular,
    Folder,
    Symlink(Vec<u8>),
    /// A device, a pipe, a socket.
    Other,
    /// A folder of the kernel's own affairs, which nobody looks into here.
    Untold,
}

#[derive(Debug)]
struct File {
    kind: Kind,
    links: u64,
}

#[derive(Debug)]
struct Name {
    above: NameId,
    name: Vec<u8>,
    file: FileId,
    below: BTreeMap<Vec<u8>, NameId>,
    is_gone: bool,
}

/// All names there are and were; the root is name 0.
#[derive(Debug)]
pub struct Names {
    names: Vec<Name>,
    files: Vec<File>,
}

pub const ROOT: NameId = 0;

/// Where a path leads: to a name in a folder, there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub folder: NameId,
    pub name: Vec<u8>,
    pub there: Option<NameId>,
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A name on the way is missing, or no folder.
    Missing,
    /// It goes where nobody looks.
    Untold,
}

/// More than the kernel follows, so that a circle ends.
const LINKS_MOST: usize = 40;

impl Names {
    pub fn new() -> Self {
        let root = Name {
            above: ROOT,
            name: Vec::new(),
            file: 0,
            below: BTreeMap::new(),
            is_gone: false,
        };
        let file = File {
            kind: Kind::Folder,
            links: 1,
        };
        Self {
            names: vec![root],
            files: vec![file],
        }
    }

    pub fn new_file(&mut self, kind: Kind) -> FileId {
        self.files.push(File { kind, links: 0 });
        self.files.len() - 1
    }

    pub fn file(&self, name: NameId) -> FileId {
        self.names[name].file
    }

    pub fn kind(&self, file: FileId) -> &Kind {
        &self.files[file].kind
    }

    pub fn links(&self, file: FileId) -> u64 {
        self.files[file].links
    }

    pub fn is_gone(&self, name: NameId) -> bool {
        self.names[name].is_gone
    }

    /// Whether `above` is a folder on the way to `name`.
    pub fn is_above(&self, above: NameId, mut name: NameId) -> bool {
        while name != ROOT {
            name = self.names[name].above;
            if name == above {
                return true;
            }
        }
        false
    }

    /// The path of a name, from the root.
    pub fn path(&self, name: NameId) -> Vec<u8> {
        if name == ROOT {
            return b"/".to_vec();
        }
        self.path_in(self.names[name].above, &self.names[name].name)
    }

    /// The path of a name in a folder, there or not.
    pub fn path_in(&self, folder: NameId, name: &[u8]) -> Vec<u8> {
        let mut path = if folder == ROOT {
            Vec::new()
        } else {
            self.path(folder)
        };
        path.push(b'/');
        path.extend_from_slice(name);
        path
    }

    pub fn path_of(&self, place: &Place) -> Vec<u8> {
        match place.there {
            Some(name) => self.path(name),
            None => self.path_in(place.folder, &place.name),
        }
    }

    /// Walks `path` from a folder; `follow`: a symbolic link at its end as well.
    pub fn walk(&self, from: NameId, path: &[u8], follow: bool) -> Result<Place, Lost> {
        self.walk_on(from, path, follow, 0)
    }

    fn walk_on(
        &self,
        from: NameId,
        path: &[u8],
        follow: bool,
        links: usize,
    ) -> Result<Place, Lost> {
        if path.is_empty() || links > LINKS_MOST {
            return Err(Lost::Missing);
        }
        let mut at = if path[0] == b'/' { ROOT } else { from };
        let mut words = path.split(|byte| *byte == b'/').peekable();
        let mut last = None;
        while let Some(word) = words.next() {
            if *self.kind(self.file(at)) == Kind::Untold {
                return Err(Lost::Untold);
            }
            match word {
                b"" | b"." => continue,
                b".." => {
                    at = self.names[at].above;
                    last = None;
                    continue;
                }
                _ => {}
            }
            let is_last = words.clone().all(|word| word.is_empty());
            let there = self.names[at].below.get(word).copied();
            let place = Place {
                folder: at,
                name: word.to_vec(),
                there,
            };
            if let Some(Kind::Symlink(target)) = there.map(|name| self.kind(self.file(name)))
                && (!is_last || follow || words.peek().is_some())
            {
                let place = self.walk_on(at, target, true, links + 1)?;
                if is_last {
                    return Ok(place);
                }
                at = place.there.ok_or(Lost::Missing)?;
                continue;
            }
            match there {
                Some(name) => at = name,
                None if is_last => return Ok(place),
                None => return Err(Lost::Missing),
            }
            if !is_last && !matches!(self.kind(self.file(at)), Kind::Folder | Kind::Untold) {
                return Err(Lost::Missing);
            }
            last = Some(place);
        }
        Ok(last.unwrap_or_else(|| self.place(at)))
    }

    /// Where a name is.
    pub fn place(&self, name: NameId) -> Place {
        Place {
            folder: self.names[name].above,
            name: self.names[name].name.clone(),
            there: Some(name),
        }
    }

    /// A new name of a file.
    pub fn add(&mut self, place: &Place, file: FileId) -> NameId {
        let id = self.names.len();
        self.names.push(Name {
            above: place.folder,
            name: place.name.clone(),
            file,
            below: BTreeMap::new(),
            is_gone: false,
        });
        self.files[file].links += 1;
        let below = &mut self.names[place.folder].below;
        below.insert(place.name.clone(), id);
        id
    }

    /// Takes a name away; what holds it may still ask for its path.
    pub fn remove(&mut self, name: NameId) {
        let (above, last) = (self.names[name].above, self.names[name].name.clone());
        self.names[above].below.remove(&last);
        self.names[name].is_gone = true;
        let file = self.names[name].file;
        self.files[file].links -= 1;
    }

    /// Gives a name another place, where none is.
    pub fn take_to(&mut self, name: NameId, folder: NameId, to: &[u8]) {
        let (above, last) = (self.names[name].above, self.names[name].name.clone());
        self.names[above].below.remove(&last);
        self.names[name].above = folder;
        self.names[name].name = to.to_vec();
        self.names[folder].below.insert(to.to_vec(), name);
    }

    /// Has two names change places.
    pub fn exchange(&mut self, one: NameId, other: NameId) {
        let place = |name: &Name| (name.above, name.name.clone());
        let (first, second) = (place(&self.names[one]), place(&self.names[other]));
        for (name, (above, last)) in [(one, second), (other, first)] {
            self.names[name].above = above;
            self.names[name].name = last.clone();
            self.names[above].below.insert(last, name);
        }
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
