//! A random tree of folders: names of any bytes and lengths, on several mounts,
//! each folder held open, so that no path is too long to go on from.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// A generator of numbers that repeats for a seed (xorshift, shifts 13, 7, 17:
/// Marsaglia, 2003).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// A seed of 0 would stay there.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    /// A name of that many bytes: any but `/` and NUL.
    pub fn name(&mut self, bytes: usize) -> Vec<u8> {
        let mut name: Vec<u8> = (0..bytes)
            .map(|_| match self.below(256) as u8 {
                0 | b'/' => b'_',
                byte => byte,
            })
            .collect();
        if matches!(&*name, b"." | b"..") {
            name[0] = b'_';
        }
        name
    }

    /// A length as names have it: mostly short, now and then the longest.
    pub fn name_bytes(&mut self) -> usize {
        match self.below(20) {
            0..14 => 3 + self.below(12),
            14..18 => 13 + self.below(100),
            18 => 200 + self.below(56),
            _ => 255,
        }
    }
}

/// A folder of the tree.
#[derive(Debug)]
pub struct Folder {
    /// Its place in the tree; none for the root of one.
    parent: Option<usize>,
    /// Its name; a root's whole path, `/` if it is that.
    name: Vec<u8>,
    /// While it is held open.
    open: Option<File>,
    /// Marks of all paths below its root.
    pub marks: u16,
    /// Which root it is below: links cannot go elsewhere.
    pub root: usize,
}

/// All folders, also those that are held no longer: the names of others go through them.
#[derive(Debug, Default)]
pub struct Tree {
    pub folders: Vec<Folder>,
    /// Those that are held, oldest first, roots excepted.
    held: Vec<usize>,
    roots: usize,
}

/// How many folders are held open at a time.
const HELD_MOST: usize = 200;

impl Tree {
    /// Adds a root, with the path that readlink(2) shows of it.
    pub fn add_root(&mut self, open: File, marks: u16) -> io::Result<()> {
        let name = fs::read_link(link_of(&open))?.into_os_string().into_vec();
        let root = self.roots;
        self.folders.push(Folder {
            parent: None,
            name,
            open: Some(open),
            marks,
            root,
        });
        self.roots += 1;
        Ok(())
    }

    /// Makes a folder.
    pub fn make(&mut self, parent: usize, name: Vec<u8>) -> io::Result<usize> {
        let path = self.within(parent, &name);
        fs::create_dir(&path)?;
        let (marks, root) = (self.folders[parent].marks, self.folders[parent].root);
        self.folders.push(Folder {
            parent: Some(parent),
            name,
            open: Some(File::open(path)?),
            marks,
            root,
        });
        if self.held.len() == HELD_MOST {
            let oldest = self.held.remove(0);
            self.folders[oldest].open = None;
        }
        let place = self.folders.len() - 1;
        self.held.push(place);
        Ok(place)
    }

    /// Gives a folder another name; `false` if the one above it is no longer held.
    pub fn rename(&mut self, place: usize, name: Vec<u8>) -> io::Result<bool> {
        let Some(parent) = self.folders[place].parent else {
            return Ok(false);
        };
        if self.folders[parent].open.is_none() {
            return Ok(false);
        }
        fs::rename(
            self.within(parent, &self.folders[place].name),
            self.within(parent, &name),
        )?;
        self.folders[place].name = name;
        Ok(true)
    }

    /// One that is held: mostly the latest, sometimes any, now and then a root.
    pub fn pick(&self, random: &mut Random) -> usize {
        match (self.held.last(), random.below(10)) {
            (Some(latest), 0..5) => *latest,
            (Some(_), 5..9) => self.held[random.below(self.held.len())],
            _ => random.below(self.roots),
        }
    }

    /// The one that was made last.
    pub fn latest(&self, random: &mut Random) -> usize {
        match self.held.last() {
            Some(latest) => *latest,
            None => random.below(self.roots),
        }
    }

    pub fn is_held(&self, folder: usize) -> bool {
        self.folders[folder].open.is_some()
    }

    /// A way to something in a folder that is held: short, however deep that is.
    pub fn within(&self, folder: usize, name: &[u8]) -> PathBuf {
        let mut path = match &self.folders[folder].open {
            Some(open) => link_of(open).into_os_string(),
            None => OsString::from("/nowhere"),
        };
        path.push("/");
        path.push(std::ffi::OsStr::from_bytes(name));
        path.into()
    }

    /// The whole path of something in a folder, put together from names.
    pub fn path(&self, folder: usize, name: &[u8]) -> Vec<u8> {
        let mut parts = vec![name];
        let mut at = Some(folder);
        while let Some(place) = at {
            parts.push(&self.folders[place].name);
            at = self.folders[place].parent;
        }
        let mut path = Vec::new();
        for part in parts.into_iter().rev() {
            if !path.is_empty() && path != b"/" {
                path.push(b'/');
            }
            path.extend_from_slice(part);
        }
        path
    }

    /// The path of a folder itself.
    pub fn path_of(&self, folder: usize) -> Vec<u8> {
        match self.folders[folder].parent {
            Some(parent) => self.path(parent, &self.folders[folder].name),
            None => self.folders[folder].name.clone(),
        }
    }

    /// What the kernel says of it, where it has room for that.
    pub fn shown(&self, folder: usize) -> Option<Vec<u8>> {
        let open = self.folders[folder].open.as_ref()?;
        let link = fs::read_link(link_of(open)).ok()?;
        Some(link.into_os_string().into_vec())
    }
}

/// Where /proc shows the path of an open file.
pub fn link_of(open: &File) -> PathBuf {
    format!("/proc/self/fd/{}", open.as_raw_fd()).into()
}
