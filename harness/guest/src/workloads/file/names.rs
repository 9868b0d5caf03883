//! Names: made, moved, deleted.

use std::fs;
use std::os::unix::fs::symlink;

use super::told::{Stat, Told};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::scene::Scene;

/// Folders in a folder.
pub fn folders(scene: &Scene) -> Outcome {
    let (outer, inner, moved) = (scene.path("a"), scene.path("a/b"), scene.path("c"));
    for path in [&outer, &inner] {
        fs::create_dir(path).tried("mkdir")?;
        Told::new("file_create", path)?
            .how("mkdir")
            .stat(Stat::of(path)?)
            .say()?;
    }
    fs::rename(&inner, &moved).tried("rename")?;
    Told::new("file_rename", &moved)?
        .old_path(&inner)
        .stat(Stat::of(&moved)?)
        .say()?;
    for path in [&moved, &outer] {
        let gone = Stat::of(path)?;
        fs::remove_dir(path).tried("rmdir")?;
        Told::new("file_delete", path)?
            .how("rmdir")
            .flags(&["last_link"])
            .stat(gone.less_links(u64::MAX))
            .say()?;
    }
    Ok(())
}

/// Hard and symbolic.
pub fn links(scene: &Scene) -> Outcome {
    let (first, second, soft) = (
        scene.path("first"),
        scene.path("second name"),
        scene.path("soft"),
    );
    fs::hard_link(&first, &second).tried("link")?;
    Told::new("file_link", &second)?
        .old_path(&first)
        .stat(Stat::of(&second)?)
        .say()?;
    symlink("../some where/else", &soft).tried("symlink")?;
    Told::new("file_create", &soft)?
        .how("symlink")
        .target("../some where/else")
        .stat(Stat::of(&soft)?)
        .say()?;
    for (path, flags) in [
        (&first, &[][..]),
        (&soft, &["last_link"]),
        (&second, &["last_link"]),
    ] {
        let gone = Stat::of(path)?.less_links(1);
        fs::remove_file(path).tried("delete")?;
        Told::new("file_delete", path)?
            .how("unlink")
            .flags(flags)
            .stat(gone)
            .say()?;
    }
    Ok(())
}

/// With and without something in the way.
pub fn rename(scene: &Scene) -> Outcome {
    let (first, in_the_way) = (scene.path("first"), scene.path("second"));
    let (second, inner) = (scene.path("new name"), scene.path("inner/fourth"));
    fs::rename(&first, &second).tried("rename")?;
    Told::new("file_rename", &second)?
        .old_path(&first)
        .stat(Stat::of(&second)?)
        .say()?;
    let replaced = Stat::of(&in_the_way)?;
    fs::rename(&second, &in_the_way).tried("rename")?;
    Told::new("file_rename", &in_the_way)?
        .old_path(&second)
        .flags(&["replaced"])
        .other(replaced)
        .stat(Stat::of(&in_the_way)?)
        .say()?;
    fs::rename(&in_the_way, &inner).tried("rename")?;
    Told::new("file_rename", &inner)?
        .old_path(&in_the_way)
        .stat(Stat::of(&inner)?)
        .say()
}

/// What the kernel refuses after it has found the names is told with its error; what it does not
/// find, or finds in the way, is nobody's change.
pub fn failures(scene: &Scene) -> Outcome {
    let folder = scene.path("inner");
    let missing = scene.path("missing");
    let full = Stat::of(&folder)?;
    Told::new("file_delete", &folder)?
        .how("rmdir")
        .fails(fs::remove_dir(&folder))?
        .stat(full)
        .say()?;
    let wrong = [
        fs::create_dir(&folder),
        fs::remove_file(&missing),
        fs::remove_dir(&missing),
        fs::rename(&missing, &folder),
        fs::hard_link(&missing, scene.path("x")),
        symlink("x", &folder),
    ];
    for (which, result) in wrong.into_iter().enumerate() {
        crate::workloads::failure::ensure(result.is_err(), || format!("call {which} succeeded"))?;
    }
    Ok(())
}
