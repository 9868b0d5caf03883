//! renameat2(2) with flags.

use super::told::{Stat, Told};
use crate::sys::file;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::scene::Scene;

/// Only to a free name; two names that change places, files and folders; a whiteout left behind.
pub fn rename_flags(scene: &Scene) -> Outcome {
    let (first, second, folder) = (
        scene.path("first"),
        scene.path("second"),
        scene.path("inner"),
    );
    let free = scene.path("free");
    let refused = file::rename(&first, &second, libc::RENAME_NOREPLACE);
    ensure(refused.is_err(), || "RENAME_NOREPLACE replaced".into())?;
    file::rename(&first, &free, libc::RENAME_NOREPLACE).tried("rename to a free name")?;
    Told::new("file_rename", &free)?
        .old_path(&first)
        .detail(libc::RENAME_NOREPLACE)
        .stat(Stat::of(&free)?)
        .say()?;
    for (old, new) in [(&free, &second), (&folder, &second)] {
        let other = Stat::of(new)?;
        file::rename(old, new, libc::RENAME_EXCHANGE).tried("exchange")?;
        Told::new("file_rename", new)?
            .old_path(old)
            .detail(libc::RENAME_EXCHANGE)
            .flags(&["exchanged"])
            .other(other)
            .stat(Stat::of(new)?)
            .say()?;
    }
    let old = free;
    file::rename(&old, &first, libc::RENAME_WHITEOUT).tried("leave a whiteout")?;
    Told::new("file_rename", &first)?
        .old_path(&old)
        .detail(libc::RENAME_WHITEOUT)
        .stat(Stat::of(&first)?)
        .say()
}
