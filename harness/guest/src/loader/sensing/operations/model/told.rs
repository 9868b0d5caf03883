//! What the model says: of an operation its errno and its events. It knows no tree.

use std::fmt;

/// What must come of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prediction {
    /// errno; 0: it is done.
    pub errno: i32,
    pub events: Vec<Told>,
}

/// What an event says, with paths below the tree's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub operation: &'static str,
    pub how: &'static str,
    pub errno: i32,
    pub path: String,
    /// The old path, or what a symbolic link says.
    pub other: String,
    pub flags: &'static str,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {:?} {:?} [{}] errno {}",
            self.operation, self.how, self.path, self.other, self.flags, self.errno
        )
    }
}

/// Done, and nothing more to say of it.
pub(super) fn told(operation: &'static str, how: &'static str, path: &str) -> Told {
    Told {
        operation,
        how,
        errno: 0,
        path: path.to_owned(),
        other: String::new(),
        flags: "",
    }
}

/// Tried by the file system, which refuses.
pub(super) fn fails(events: &mut Vec<Told>, event: Told, errno: i32) -> Result<(), i32> {
    events.push(Told { errno, ..event });
    Err(errno)
}
