//! A cgroup where TCP asks again within milliseconds, so that no workload waits for a second.

use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::world::World;
use crate::sys::cgroup;
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::standing;

/// How often it asks again before it gives up: for longer than any workload may take.
const ASKS: &str = "12";

/// The cgroup, with this process in it.
#[derive(Debug)]
struct Soon {
    folder: PathBuf,
    left: PathBuf,
    _link: OwnedFd,
}

impl Soon {
    fn enter() -> Outcome<Self> {
        let left = standing::folder_of_own()?;
        let folder = left.join(format!("soon-{}", std::process::id()));
        fs::create_dir(&folder).tried(format_args!("make cgroup {}", folder.display()))?;
        let open = File::open(&folder).tried(folder.display())?;
        let link = cgroup::ask_again_soon(open.as_fd()).tried("have TCP ask again soon")?;
        move_to(&folder)?;
        Ok(Self {
            folder,
            left,
            _link: link,
        })
    }

    fn leave(self) -> Outcome {
        move_to(&self.left)?;
        fs::remove_dir(&self.folder).tried(self.folder.display())
    }
}

fn move_to(folder: &Path) -> Outcome {
    let procs = folder.join("cgroup.procs");
    fs::write(&procs, "0").tried(procs.display())
}

/// Does this in a network, and in a cgroup, of its own.
///
/// # Errors
/// What went wrong.
pub fn within(run: impl FnOnce(&World) -> Outcome) -> Outcome {
    let world = World::enter()?;
    world.set("ipv4/tcp_syn_retries", ASKS)?;
    let soon = Soon::enter()?;
    let done = run(&world);
    let left = soon.leave();
    done.and(left)
}
