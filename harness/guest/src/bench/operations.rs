//! What is measured: one table, to which every family of sensors adds its operations.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::sys::process::Ended;
use crate::sys::{birth, process};
use crate::workloads::tiny::{self, Tiny};

/// One round of an operation, as often as wanted.
pub type Round = Box<dyn FnMut() -> io::Result<()>>;

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name in the `measure` frame.
    pub name: &'static str,
    prepare: fn() -> io::Result<Round>,
}

impl Operation {
    /// Makes ready what every round needs, outside the measured time.
    ///
    /// # Errors
    /// What the file system says.
    pub fn prepare(&self) -> io::Result<Round> {
        (self.prepare)()
    }
}

/// All operations.
pub const OPERATIONS: &[Operation] = &[Operation {
    name: "fork_exec_exit",
    prepare: fork_exec_exit,
}];

/// A child by vfork, as posix_spawn(3) makes it, that becomes a program which leaves at once, and the wait for it.
///
/// With vfork the figure does not depend on how much memory the parent has.
fn fork_exec_exit() -> io::Result<Round> {
    let folder = Path::new("/tmp/w/bench");
    fs::create_dir_all(folder)?;
    let path = folder.join("leaves");
    fs::write(&path, tiny::elf(Tiny::Leaves))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    let path = CString::new(path.into_os_string().into_encoded_bytes())?;
    // Made once: what the child allocated would stay in the memory that it shares with us.
    let image = birth::Image::new(path.clone(), vec![path], vec![c"PATH=/bin".into()]);
    Ok(Box::new(move || {
        let mut child = || {
            // Comes back only on failure, which the code then shows.
            let _ = image.exec();
            1
        };
        let pid = birth::vfork(&mut child)?;
        match process::wait(Some(pid))? {
            Some(waited) if waited.ended == Ended::Exit(0) => Ok(()),
            other => Err(io::Error::other(format!(
                "the program ended otherwise: {other:?}"
            ))),
        }
    }))
}
