//! Names that go while the file stays: it is open, or has another name.

use std::fs::{self, File};
use std::io::Write;

use super::told::{Stat, Told, path_of};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::scene::Scene;

/// Deleted while open, by that name and by another; then written.
pub fn delete_open(scene: &Scene) -> Outcome {
    let (first, other) = (scene.path("first"), scene.path("inner/other"));
    let mut file = File::options().write(true).open(&first).tried("open")?;
    fs::hard_link(&first, &other).tried("link")?;
    Told::new("file_link", &other)?
        .old_path(&first)
        .stat(Stat::of(&other)?)
        .say()?;
    for (path, flags) in [(&first, &["still_open"][..]), (&other, &["last_link"])] {
        let gone = Stat::of(path)?.less_links(1);
        fs::remove_file(path).tried("delete")?;
        Told::new("file_delete", path)?
            .how("unlink")
            .flags(flags)
            .stat(gone)
            .say()?;
    }
    file.write_all(b"too late").tried("write")?;
    Told::new("file_write", path_of(&file)?)?
        .stat(Stat::of_file(&file)?)
        .say()?;
    let end = Told::new("file_close_write", path_of(&file)?)?.stat(Stat::of_file(&file)?);
    drop(file);
    end.say()?;
    let second = scene.path("second");
    let file = File::open(&second).tried("open")?;
    let gone = Stat::of(&second)?.less_links(1);
    fs::remove_file(&second).tried("delete")?;
    drop(file);
    Told::new("file_delete", &second)?
        .how("unlink")
        .flags(&["last_link", "still_open"])
        .stat(gone)
        .say()
}
