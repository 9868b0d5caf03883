//! How processes become other programs.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::sys::process;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::{Program, Scene};
use crate::workloads::tiny::{self, Tiny};
use crate::workloads::truth;

/// The same program named in several ways, and arguments that are not plain words.
pub fn exec(scene: &Scene) -> Outcome {
    scene.dir("sub")?;
    scene.link("prog", "link")?;
    let exe = scene.path("prog").to_string_lossy().into_owned();
    let odd = [
        "",
        " two words ",
        "line\nbreak",
        "\"quoted\"",
        "grüße",
        "-",
        "\\",
    ];
    kit::run(Birth::Fork, &scene.program("prog", &["one", "two"])?)?.finish(0)?;
    kit::run(Birth::Fork, &scene.program("prog", &odd)?)?.finish(1)?;
    kit::run(Birth::Fork, &Program::new("./prog", &["relative"])?)?.finish(2)?;
    kit::run(Birth::Fork, &Program::new("sub/../prog", &["by a detour"])?)?.finish(3)?;
    let through_link = scene
        .program("link", &["through a link"])?
        .known("exe", exe);
    kit::run(Birth::Fork, &through_link)?.finish(4)?;
    let renamed = scene.program("prog", &[])?.argv(&["another name", "x"])?;
    kit::run(Birth::Fork, &renamed)?.finish(5)
}

/// fork, exec of this very program, which execs the tiny one: two programs in one process, after our own.
pub fn chain(scene: &Scene) -> Outcome {
    let own = std::env::current_exe().tried("find this program")?;
    let last = scene.program("prog", &["the last"])?;
    let path = scene.path("prog").to_string_lossy().into_owned();
    let middle = Program::new(own, &["then-exec", &path, "the last"])?;
    let mut child = kit::start(Birth::Fork, &mut |inside| {
        Err(inside.exec(&middle)).tried("exec this program")
    })?;
    child.await_ready()?;
    kit::say_exec(&child, &last)?;
    child.finish(6)
}

/// Files without a name in any folder: a program, and a script that finds its own text by descriptor.
pub fn memfd(scene: &Scene) -> Outcome {
    let program = executable_memfd(&tiny::elf(Tiny::Waits), true)?;
    let nameless = Program::new("", &[])?
        .argv(&["nameless", "program"])?
        .at(program.as_raw_fd(), libc::AT_EMPTY_PATH);
    kit::run(Birth::Fork, &nameless)?.finish(1)?;
    let interpreter = scene.path("prog").to_string_lossy().into_owned();
    let text = format!("#!{interpreter} argument\n");
    let kept = executable_memfd(text.as_bytes(), false)?;
    let script = Program::new("", &[])?
        .argv(&["nameless", "script"])?
        .at(kept.as_raw_fd(), libc::AT_EMPTY_PATH)
        .known("interpreter", interpreter);
    kit::run(Birth::Fork, &script)?.finish(2)?;
    // Closed on exec, the interpreter could not open it: the kernel refuses at once.
    let closed = executable_memfd(text.as_bytes(), true)?;
    let script = script.at(closed.as_raw_fd(), libc::AT_EMPTY_PATH);
    let refused = kit::start(Birth::Fork, &mut |inside| {
        kit::exec_fails(&script, libc::ENOENT)?;
        inside.wait()
    })?;
    refused.finish(3)
}

fn executable_memfd(bytes: &[u8], close_on_exec: bool) -> Outcome<OwnedFd> {
    let mut file = File::from(
        process::memfd_create(c"trapline", close_on_exec).tried("make a nameless file")?,
    );
    file.write_all(bytes).tried("write the nameless file")?;
    file.set_permissions(fs::Permissions::from_mode(0o755))
        .tried("make it executable")?;
    if !close_on_exec {
        return Ok(file.into());
    }
    // A program open for writing cannot be executed, so what is executed is a second, read-only view.
    let view = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(File::open(view)
        .tried("open the nameless file again")?
        .into())
}

/// execveat(2) relative to a folder's descriptor, and of a descriptor of a file that has a name.
pub fn at_folder(scene: &Scene) -> Outcome {
    scene.tiny("sub/inner")?;
    let folder = File::open(scene.path("sub")).tried("open the folder")?;
    let inner = Program::new("inner", &["in a folder"])?.at(folder.as_fd().as_raw_fd(), 0);
    kit::run(Birth::Fork, &inner)?.finish(1)?;
    let file = File::open(scene.path("sub/inner")).tried("open the program")?;
    let opened = Program::new("", &[])?
        .argv(&["opened before"])?
        .at(file.as_raw_fd(), libc::AT_EMPTY_PATH);
    kit::run(Birth::Fork, &opened)?.finish(2)?;
    scene.link("sub/inner", "link")?;
    let outer = File::open(&scene.folder).tried("open the folder")?;
    let link = Program::new("link", &[])?.at(outer.as_raw_fd(), libc::AT_SYMLINK_NOFOLLOW);
    let refused = kit::start(Birth::Fork, &mut |inside| {
        kit::exec_fails(&link, libc::ELOOP)?;
        inside.wait()
    })?;
    refused.finish(3)
}

/// Empty strings, empty lists and, where the kernel takes it, no argument at all: the truth is what
/// /proc shows, which since Linux 5.18 (and in the stable series) is then one empty string.
pub fn empty_argv(scene: &Scene) -> Outcome {
    let plain = || scene.program("prog", &[]);
    let cases: [(&[&str], &[&str]); 7] = [
        (&["", "", "x", ""], &["A=1"]),
        (&["prog", ""], &["", "A=", ""]),
        (&["prog"], &[]),
        (&["prog"], &["no equals sign"]),
        (&[""], &[""]),
        (&["", ""], &[]),
        (&[], &["A=1"]),
    ];
    for (code, (argv, env)) in (1..).zip(cases) {
        let program = plain()?.argv(argv)?.env(env)?;
        let child = kit::run(Birth::Fork, &program)?;
        let seen = truth::observe(child.pid)?;
        let asked = if argv.is_empty() {
            json!([seen["argv"][0]])
        } else {
            json!(argv)
        };
        let nothing = argv.is_empty() && seen["argv"] == Value::Array(Vec::new());
        ensure(nothing || seen["argv"] == asked, || {
            format!("argv should be {asked}, is {}", seen["argv"])
        })?;
        child.finish(code)?;
    }
    Ok(())
}
