//! What was done to files: as a log says and as the sensors say, in one form.

use std::fmt;

use trapline_sensors::event::{File, FileHow, Text};

/// What is said of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// `file_create`, …
    pub kind: &'static str,
    pub how: &'static str,
    pub errno: i32,
    pub path: Vec<u8>,
    /// The old path; what a symbolic link says; an attribute's name.
    pub other: Vec<u8>,
    pub flags: Vec<&'static str>,
    /// What was asked for: a mode, a protection.
    pub detail: u32,
}

impl Operation {
    pub fn new(kind: &'static str, how: &'static str, path: Vec<u8>) -> Self {
        Self {
            kind,
            how,
            path,
            ..Self::default()
        }
    }

    /// What the sensors say.
    pub fn of(file: &File) -> Self {
        Self {
            kind: file.operation.name(),
            how: file.how.map_or("", FileHow::name),
            errno: file.error.cast_signed(),
            path: as_link(&file.path),
            other: as_link(&file.other_path),
            flags: file.flags.names().collect(),
            detail: file.detail,
        }
    }
}

/// What is behind a path of a file that is gone, as `readlink /proc/self/fd/N` has it.
pub const DELETED: &[u8] = b" (deleted)";

/// A text; what is odd about it stands behind it.
fn as_link(text: &Text) -> Vec<u8> {
    let mut bytes = text.bytes.clone();
    for name in text.flags.names().filter(|name| *name != "none") {
        bytes.extend_from_slice(format!(" ({name})").as_bytes());
    }
    bytes
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.how.is_empty() {
            write!(f, " {}", self.how)?;
        }
        write!(f, " {}", String::from_utf8_lossy(&self.path))?;
        if !self.other.is_empty() {
            write!(f, ", other {}", String::from_utf8_lossy(&self.other))?;
        }
        if !self.flags.is_empty() {
            write!(f, " [{}]", self.flags.join(", "))?;
        }
        if self.detail != 0 {
            write!(f, ", detail {:#o}", self.detail)?;
        }
        if self.errno != 0 {
            write!(f, ", errno {}", self.errno)?;
        }
        Ok(())
    }
}

/// An operation that a call has made, or the end of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub tgid: u32,
    /// Of the log, from 1.
    pub line: usize,
    pub operation: Operation,
}

#[cfg(test)]
mod tests {
    use super::*;
    use trapline_sensors::abi;
    use trapline_sensors::event::TextFlags;

    #[test]
    fn a_path_says_that_it_is_gone() {
        let mut text = Text {
            bytes: b"/a".to_vec(),
            flags: TextFlags(abi::TEXT_DELETED),
        };
        assert_eq!(as_link(&text), [b"/a", DELETED].concat());
        text.flags = TextFlags(abi::TEXT_NONE);
        assert_eq!(as_link(&text), b"/a");
    }
}
