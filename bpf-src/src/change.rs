//! What somebody else did to the sensors: told between the events, for what comes
//! afterwards may be less than what happens.

/// A difference from what the sensors left in the kernel.
///
/// ```
/// use trapline_sensors::change::{Change, Part};
///
/// let change = Change::new(Part::Map, "excluded", "leaves out process 77");
/// assert_eq!(change.told(), "map excluded leaves out process 77");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Change {
    /// What is changed.
    pub part: Part,
    /// Which one: the program that a link attaches, or the map, by its name in C.
    pub name: String,
    /// A sentence's end, such as `is detached`.
    pub how: String,
}

/// A thing in the kernel that others can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// What keeps a program attached.
    Link,
    /// What says to programs what they leave out.
    Map,
    /// The process that reads what programs report.
    Reader,
}

impl Part {
    /// As lines have it: `link`, `map`, `reader`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Map => "map",
            Self::Reader => "reader",
        }
    }
}

impl Change {
    /// A difference: `how` follows the name in a sentence.
    pub fn new(part: Part, name: impl Into<String>, how: impl Into<String>) -> Self {
        Self {
            part,
            name: name.into(),
            how: how.into(),
        }
    }

    /// `map excluded leaves out process 77`.
    pub fn told(&self) -> String {
        format!("{} {} {}", self.part.name(), self.name, self.how)
    }
}
