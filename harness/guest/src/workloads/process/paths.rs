//! Where the program's file is, and where the process stands.

use std::env::set_current_dir;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::Value;

use crate::sys::process::Ended;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::{Program, Scene};
use crate::workloads::tiny::{self, Tiny};
use crate::workloads::truth;

/// Many short components, long ones, and a name of 255 bytes.
pub fn deep(scene: &Scene) -> Outcome {
    let longest = "n".repeat(255);
    let paths = [
        format!("{}prog", "s/".repeat(30)),
        format!("{}prog", "d/".repeat(300)),
        format!("{}/{longest}", "component".repeat(20)),
        // All but a few of the 4096 bytes that a path may have.
        format!("{}{longest}", format!("{}/", "l".repeat(249)).repeat(15)),
    ];
    for (code, path) in (1..).zip(paths) {
        let exe = scene.tiny(&path)?;
        let program = scene.program(&path, &[])?.argv(&["deep"])?;
        kit::run(Birth::Fork, &program.known("exe", exe.to_string_lossy()))?.finish(code)?;
    }
    Ok(())
}

/// A file so deep that no call can name it from the root: the process walks there first.
pub fn past_the_limit(scene: &Scene) -> Outcome {
    let component = "p".repeat(250);
    let depth = 20;
    let mut exe = scene.folder.to_string_lossy().into_owned();
    for _ in 0..depth {
        exe = format!("{exe}/{component}");
    }
    let program = Program::new("./prog", &["far down"])?
        .known("cwd", exe.as_str())
        .known("exe", format!("{exe}/prog"));
    let walk = || -> Outcome {
        for _ in 0..depth {
            fs::create_dir(&component).tried("make a folder")?;
            set_current_dir(&component).tried("walk down")?;
        }
        fs::write("prog", tiny::elf(Tiny::Waits)).tried("write the program")?;
        fs::set_permissions("prog", fs::Permissions::from_mode(0o755)).tried("make it executable")
    };
    kit::run_after(Birth::Fork, &program, &mut || walk())?.finish(1)
}

/// The file is removed, renamed or replaced while its program runs; the exit says where it is by then.
pub fn deleted(scene: &Scene) -> Outcome {
    type Change = fn(&Path) -> std::io::Result<()>;
    let changes: [(&str, Change); 4] = [
        ("removed", |path| fs::remove_file(path)),
        ("renamed", |path| {
            fs::rename(path, path.with_extension("moved"))
        }),
        ("replaced", |path| {
            fs::write(path.with_extension("new"), b"another")?;
            fs::rename(path.with_extension("new"), path)
        }),
        ("folder/moved-with-it", |path| {
            let folder = path.parent().unwrap_or(path);
            fs::rename(folder, folder.with_extension("elsewhere"))
        }),
    ];
    for (code, (name, change)) in (1..).zip(changes) {
        let path = scene.tiny(name)?;
        let mut child = kit::run(Birth::Fork, &scene.program(name, &[])?)?;
        change(&path).tried(name)?;
        let exe = truth::exe(child.pid);
        ensure(exe != Value::from(path.to_string_lossy()), || {
            format!("{name}: exe stays {exe}")
        })?;
        child.tell(code)?;
        child.ends_with(Ended::Exit(code), &[("exe", exe)])?;
    }
    Ok(())
}

/// Processes that stand somewhere else: below, at the root, behind a link, nowhere any more.
pub fn cwd(scene: &Scene) -> Outcome {
    let below = scene.dir("below/further")?;
    let behind = scene.path("link");
    symlink(&below, &behind).tried("link a folder")?;
    let gone = scene.dir("gone")?;
    let program = scene.program("prog", &[])?;
    let stand = |place: &Path, code: u8| -> Outcome {
        let mut enter = || set_current_dir(place).tried("enter a folder");
        kit::run_after(Birth::Fork, &program, &mut enter)?.finish(code)
    };
    stand(&below, 1)?;
    stand(Path::new("/"), 2)?;
    stand(&behind, 3)?;
    let mut vanish = || {
        set_current_dir(&gone).tried("enter a folder")?;
        fs::remove_dir(&gone).tried("remove the folder we are in")
    };
    kit::run_after(Birth::Fork, &program, &mut vanish)?.finish(4)
}
