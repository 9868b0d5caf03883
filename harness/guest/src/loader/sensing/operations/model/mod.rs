//! A file system in memory, and what the sensors must say of each operation.
//!
//! Pure, and knows nothing of the kernel's own: it is told what is done, never what
//! came of it, and says which errno the kernel must give and which events follow.
//! As the root of a tmpfs sees it: nothing is refused for want of rights or room.

mod told;

use std::collections::BTreeMap;

use super::operation::{Operation, Places, Renaming};
use told::{fails, told};

pub use told::{Prediction, Told};

/// Number of a node; a file can have several names.
type Id = usize;
type Names = BTreeMap<String, Id>;

#[derive(Clone, Debug)]
enum Node {
    Folder(Names),
    File { bytes: u64, links: u32 },
    Fifo { links: u32 },
    Symlink { links: u32 },
}

/// The tree. Its root is node 0.
#[derive(Clone, Debug)]
pub struct Model {
    nodes: Vec<Node>,
}

/// Where the last name of a path is looked for, that name, and what is there.
struct Place<'a> {
    folder: Id,
    name: &'a str,
    node: Option<Id>,
}

impl Model {
    pub fn new() -> Self {
        Self {
            nodes: vec![Node::Folder(Names::new())],
        }
    }

    /// What there is.
    pub fn places(&self) -> Places {
        let mut places = Places::default();
        let mut left = vec![(0, String::new())];
        while let Some((node, path)) = left.pop() {
            if let Node::Folder(names) = &self.nodes[node] {
                let separator = if path.is_empty() { "" } else { "/" };
                let inner = names
                    .iter()
                    .map(|(name, id)| (*id, format!("{path}{separator}{name}")));
                left.extend(inner);
                places.folders.push(path.clone());
            }
            places.all.push(path);
        }
        // The root itself has no name.
        places.all.retain(|path| !path.is_empty());
        places.folders.retain(|path| !path.is_empty());
        places
    }

    /// Does it, and says what must come of it.
    pub fn apply(&mut self, operation: &Operation) -> Prediction {
        let mut events = Vec::new();
        let errno = self.tried(operation, &mut events).err().unwrap_or(0);
        Prediction { errno, events }
    }

    fn tried(&mut self, operation: &Operation, events: &mut Vec<Told>) -> Result<(), i32> {
        match operation {
            Operation::Create(path) => self.create(path, events),
            Operation::Overwrite(path) => self.overwrite(path, events),
            Operation::Write(path, bytes) => self.write(path, *bytes, events),
            Operation::Read(path) => self.read(path, events),
            Operation::Truncate(path, bytes) => self.truncate(path, *bytes, events),
            Operation::Chmod(path, _) => {
                self.followed(path)?;
                events.push(told("file_attributes", "chmod", path));
                Ok(())
            }
            Operation::Mkdir(path) => {
                self.add(path, Node::Folder(Names::new()))?;
                events.push(told("file_create", "mkdir", path));
                Ok(())
            }
            Operation::Mkfifo(path) => {
                self.add(path, Node::Fifo { links: 1 })?;
                events.push(told("file_create", "mknod", path));
                Ok(())
            }
            Operation::Symlink(path, target) => {
                self.add(path, Node::Symlink { links: 1 })?;
                let event = told("file_create", "symlink", path);
                events.push(Told {
                    other: target.clone(),
                    ..event
                });
                Ok(())
            }
            Operation::Link(old, new) => self.link(old, new, events),
            Operation::Unlink(path) => self.unlink(path, events),
            Operation::Rmdir(path) => self.rmdir(path, events),
            Operation::Rename(old, new, renaming) => self.rename(old, new, *renaming, events),
        }
    }

    /// Walks to the last name. Links on the way lead nowhere.
    fn place<'a>(&self, path: &'a str) -> Result<Place<'a>, i32> {
        let (mut folder, mut rest) = (0, path);
        loop {
            let Node::Folder(names) = &self.nodes[folder] else {
                return Err(libc::ENOTDIR);
            };
            let Some((first, further)) = rest.split_once('/') else {
                let node = names.get(rest).copied();
                return Ok(Place {
                    folder,
                    name: rest,
                    node,
                });
            };
            folder = *names.get(first).ok_or(libc::ENOENT)?;
            if let Node::Symlink { .. } = self.nodes[folder] {
                return Err(libc::ENOENT);
            }
            rest = further;
        }
    }

    /// What is there, links followed: they lead nowhere.
    fn followed(&self, path: &str) -> Result<Id, i32> {
        let node = self.place(path)?.node.ok_or(libc::ENOENT)?;
        match self.nodes[node] {
            Node::Symlink { .. } => Err(libc::ENOENT),
            _ => Ok(node),
        }
    }

    fn names(&mut self, folder: Id) -> &mut Names {
        match &mut self.nodes[folder] {
            Node::Folder(names) => names,
            _ => unreachable!("only folders have names in them"),
        }
    }

    /// A new name, for a new node.
    fn add(&mut self, path: &str, node: Node) -> Result<(), i32> {
        let Place {
            folder,
            name,
            node: there,
        } = self.place(path)?;
        if there.is_some() {
            return Err(libc::EEXIST);
        }
        let id = self.nodes.len();
        self.nodes.push(node);
        self.names(folder).insert(name.to_owned(), id);
        Ok(())
    }

    fn create(&mut self, path: &str, events: &mut Vec<Told>) -> Result<(), i32> {
        self.add(path, Node::File { bytes: 0, links: 1 })?;
        events.push(told("file_create", "open", path));
        Ok(())
    }

    /// open with `O_CREAT` and `O_TRUNC`, to write.
    fn overwrite(&mut self, path: &str, events: &mut Vec<Told>) -> Result<(), i32> {
        let there = self.place(path)?.node;
        let Some(node) = there else {
            return self.create(path, events);
        };
        match &mut self.nodes[node] {
            Node::Folder(_) => Err(libc::EISDIR),
            // Nobody reads it; the way behind a link is missing.
            Node::Fifo { .. } => Err(libc::ENXIO),
            Node::Symlink { .. } => Err(libc::ENOENT),
            Node::File { bytes, .. } => {
                *bytes = 0;
                events.push(told("file_truncate", "", path));
                events.push(told("file_close_write", "", path));
                Ok(())
            }
        }
    }

    /// open, write at the start, close.
    fn write(&mut self, path: &str, count: u64, events: &mut Vec<Told>) -> Result<(), i32> {
        let node = self.followed(path)?;
        match &mut self.nodes[node] {
            Node::Folder(_) => Err(libc::EISDIR),
            Node::File { bytes, .. } => {
                *bytes = (*bytes).max(count);
                events.push(told("file_write", "", path));
                events.push(told("file_close_write", "", path));
                Ok(())
            }
            _ => Err(libc::ENXIO),
        }
    }

    /// open, read, close.
    fn read(&self, path: &str, events: &mut Vec<Told>) -> Result<(), i32> {
        match self.nodes[self.followed(path)?] {
            Node::Folder(_) => Err(libc::EISDIR),
            Node::File { bytes: 1.., .. } => {
                events.push(told("file_read", "", path));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn truncate(&mut self, path: &str, to: u64, events: &mut Vec<Told>) -> Result<(), i32> {
        let node = self.followed(path)?;
        match &mut self.nodes[node] {
            Node::Folder(_) => Err(libc::EISDIR),
            Node::File { bytes, .. } => {
                *bytes = to;
                events.push(told("file_truncate", "", path));
                Ok(())
            }
            _ => Err(libc::EINVAL),
        }
    }

    fn links(&mut self, node: Id) -> &mut u32 {
        match &mut self.nodes[node] {
            Node::File { links, .. } | Node::Fifo { links } | Node::Symlink { links } => links,
            Node::Folder(_) => unreachable!("a folder has one name"),
        }
    }

    fn is_folder(&self, node: Id) -> bool {
        matches!(self.nodes[node], Node::Folder(_))
    }

    fn link(&mut self, old: &str, new: &str, events: &mut Vec<Told>) -> Result<(), i32> {
        let from = self.place(old)?.node.ok_or(libc::ENOENT)?;
        let to = self.place(new)?;
        if to.node.is_some() {
            return Err(libc::EEXIST);
        }
        let event = Told {
            other: old.to_owned(),
            ..told("file_link", "", new)
        };
        if self.is_folder(from) {
            return fails(events, event, libc::EPERM);
        }
        events.push(event);
        *self.links(from) += 1;
        let (folder, name) = (to.folder, to.name.to_owned());
        self.names(folder).insert(name, from);
        Ok(())
    }

    fn unlink(&mut self, path: &str, events: &mut Vec<Told>) -> Result<(), i32> {
        let Place { folder, name, node } = self.place(path)?;
        let node = node.ok_or(libc::ENOENT)?;
        let event = told("file_delete", "unlink", path);
        if self.is_folder(node) {
            return fails(events, event, libc::EISDIR);
        }
        *self.links(node) -= 1;
        let is_last = *self.links(node) == 0;
        events.push(Told {
            flags: if is_last { "last_link" } else { "" },
            ..event
        });
        self.names(folder).remove(name);
        Ok(())
    }

    fn rmdir(&mut self, path: &str, events: &mut Vec<Told>) -> Result<(), i32> {
        let Place { folder, name, node } = self.place(path)?;
        let node = node.ok_or(libc::ENOENT)?;
        let event = told("file_delete", "rmdir", path);
        match &self.nodes[node] {
            Node::Folder(names) if names.is_empty() => {}
            Node::Folder(_) => return fails(events, event, libc::ENOTEMPTY),
            _ => return fails(events, event, libc::ENOTDIR),
        }
        events.push(Told {
            flags: "last_link",
            ..event
        });
        self.names(folder).remove(name);
        Ok(())
    }

    fn rename(
        &mut self,
        old: &str,
        new: &str,
        renaming: Renaming,
        events: &mut Vec<Told>,
    ) -> Result<(), i32> {
        let (from, to) = (self.place(old)?, self.place(new)?);
        let moved = from.node.ok_or(libc::ENOENT)?;
        match (renaming, to.node) {
            (Renaming::ToFree, Some(_)) => return Err(libc::EEXIST),
            (Renaming::Exchange, None) => return Err(libc::ENOENT),
            _ => {}
        }
        let is_below = |inner: &str, outer: &str| {
            let rest = inner.strip_prefix(outer);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        if is_below(new, old) {
            return Err(libc::EINVAL);
        }
        if is_below(old, new) {
            return Err(match renaming {
                Renaming::Exchange => libc::EINVAL,
                _ => libc::ENOTEMPTY,
            });
        }
        // Two names of one file, or one name: done, and nothing has happened.
        if to.node == Some(moved) {
            return Ok(());
        }
        let event = Told {
            other: old.to_owned(),
            ..told("file_rename", "", new)
        };
        let (from_folder, from_name) = (from.folder, from.name.to_owned());
        let (to_folder, to_name) = (to.folder, to.name.to_owned());
        if renaming == Renaming::Exchange {
            events.push(Told {
                flags: "exchanged",
                ..event
            });
            let other = to.node.ok_or(libc::ENOENT)?;
            self.names(from_folder).insert(from_name, other);
            self.names(to_folder).insert(to_name, moved);
            return Ok(());
        }
        if let Some(replaced) = to.node {
            match (&self.nodes[moved], &self.nodes[replaced]) {
                (Node::Folder(_), Node::Folder(names)) if !names.is_empty() => {
                    return fails(events, event, libc::ENOTEMPTY);
                }
                (Node::Folder(_), Node::Folder(_)) => {}
                (Node::Folder(_), _) => return fails(events, event, libc::ENOTDIR),
                (_, Node::Folder(_)) => return fails(events, event, libc::EISDIR),
                _ => *self.links(replaced) -= 1,
            }
        }
        events.push(Told {
            flags: if to.node.is_some() { "replaced" } else { "" },
            ..event
        });
        self.names(from_folder).remove(&from_name);
        self.names(to_folder).insert(to_name, moved);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
