//! Calls that change what is known of a file besides its contents and names, by a path
//! or a descriptor.

use super::calls::Asked;
use super::operation::Operation;
use super::world::{Told, World};

impl World {
    pub(super) fn attributes(&mut self, asked: &Asked<'_>, errno: i32) -> Result<Told, String> {
        let Some(target) = attribute(asked)? else {
            return Ok(Told::new());
        };
        let name = match target.by {
            By::Descriptor(index) => {
                let open = self.process(asked.pid)?.open(asked.number(index)?);
                open.map(|open| open.name)
            }
            By::Path(folder, path, follow) => {
                let place = self.place(asked, errno, folder, path, follow)?;
                match place.map(|place| place.there) {
                    Some(None) if errno == 0 => return Err("nothing is there".to_owned()),
                    there => there.flatten(),
                }
            }
        };
        let Some(name) = name else {
            return Ok(Told::new());
        };
        let mut told = Operation::new(target.kind, target.how, self.path(name));
        told.errno = errno;
        told.other = target.attribute;
        told.detail = target.mode;
        Ok(vec![told])
    }
}

/// How a file is named.
enum By {
    Descriptor(usize),
    /// The folder's descriptor if it has one, the path, whether a link at its end is
    /// followed.
    Path(Option<usize>, usize, bool),
}

/// A change of attributes.
struct Target {
    kind: &'static str,
    how: &'static str,
    by: By,
    attribute: Vec<u8>,
    mode: u32,
}

/// None: nothing is asked for.
fn attribute(asked: &Asked<'_>) -> Result<Option<Target>, String> {
    let mode = |index| asked.number(index).map(|mode| mode as u32 & 0xffff);
    let follows = |flags| !asked.has(flags, "AT_SYMLINK_NOFOLLOW");
    // An empty path or none stands for the descriptor.
    let at = |flags| match asked.text(1)? {
        "NULL" | "\"\"" => Ok::<_, String>(By::Descriptor(0)),
        _ => Ok(By::Path(Some(0), 1, follows(flags))),
    };
    let (how, by, mode) = match &*asked.call.name {
        "chmod" => ("chmod", By::Path(None, 0, true), mode(1)?),
        "fchmod" => ("chmod", By::Descriptor(0), mode(1)?),
        "fchmodat" => ("chmod", By::Path(Some(0), 1, true), mode(2)?),
        "fchmodat2" => ("chmod", at(3)?, mode(2)?),
        "chown" => ("chown", By::Path(None, 0, true), 0),
        "lchown" => ("chown", By::Path(None, 0, false), 0),
        "fchown" => ("chown", By::Descriptor(0), 0),
        "fchownat" => ("chown", at(4)?, 0),
        "utime" | "utimes" => ("utimes", By::Path(None, 0, true), 0),
        "futimesat" => ("utimes", at(3)?, 0),
        "utimensat" if asked.text(2)? == "[UTIME_OMIT, UTIME_OMIT]" => return Ok(None),
        "utimensat" => ("utimes", at(3)?, 0),
        "truncate" => ("", By::Path(None, 0, true), 0),
        name => {
            let ends = ["setxattr", "removexattr"];
            let Some(how) = ends.into_iter().find(|end| name.ends_with(end)) else {
                return Err("a call that is not known here".to_owned());
            };
            let by = match name.strip_suffix(how) {
                Some("f") => By::Descriptor(0),
                prefix => By::Path(None, 0, prefix != Some("l")),
            };
            (how, by, 0)
        }
    };
    let is_extended = how.ends_with("xattr");
    Ok(Some(Target {
        kind: match how {
            "" => "file_truncate",
            _ => "file_attributes",
        },
        how,
        by,
        attribute: if is_extended {
            asked.string(1)?
        } else {
            Vec::new()
        },
        mode,
    }))
}
