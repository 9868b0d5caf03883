//! Execs that must fail, each for its own reason. The process lives on and tries the next.

use std::fs;

use crate::sys::process::Ended;
use crate::sys::space;
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::{Program, Scene, c_path};
use crate::workloads::tiny::{self, Tiny};

/// Nothing there: the file, its folder, a script's interpreter, the end of a link, the name itself.
pub fn missing(scene: &Scene) -> Outcome {
    let script = format!("#!{}\n", scene.path("no-interpreter").display());
    scene.file("script", script.as_bytes(), 0o755)?;
    scene.link("nowhere", "dangling")?;
    let programs = [
        scene.program("missing", &["an", "argument"])?,
        scene.program("missing-folder/prog", &[])?,
        scene.program("script", &[])?,
        scene.program("dangling", &[])?,
        Program::new("", &["no name"])?,
        Program::new("prog-relative", &[])?,
    ];
    all_fail(&programs, libc::ENOENT)
}

/// There, but not to be executed.
pub fn access(scene: &Scene) -> Outcome {
    scene.file("data", &tiny::elf(Tiny::Leaves), 0o644)?;
    scene.file(
        "script",
        format!("#!{}\n", scene.path("data").display()).as_bytes(),
        0o755,
    )?;
    scene.dir("folder")?;
    let programs = ["data", "script", "folder"].map(|name| scene.program(name, &[]));
    all_fail(
        &programs.into_iter().collect::<Outcome<Vec<_>>>()?,
        libc::EACCES,
    )?;
    scene.file("private/prog", &tiny::elf(Tiny::Leaves), 0o700)?;
    scene.dir("noexec")?;
    let (private, mounted) = (
        scene.program("private/prog", &[])?,
        scene.program("noexec/prog", &[])?,
    );
    let target = c_path(scene.path("noexec"))?;
    let child = kit::start(Birth::Fork, &mut |inside| {
        space::unshare(libc::CLONE_NEWNS).tried("leave the mount namespace")?;
        let private_tree = libc::MS_REC | libc::MS_PRIVATE;
        space::bind_or_mount(c"none", c"/", c"none", private_tree).tried("make mounts private")?;
        space::bind_or_mount(c"none", &target, c"tmpfs", libc::MS_NOEXEC).tried("mount")?;
        scene.tiny("noexec/prog")?;
        kit::exec_fails(&mounted, libc::EACCES)?;
        space::setresgid(1000, 1000, 1000).tried("change the group")?;
        space::setresuid(1000, 1000, 1000).tried("change the user")?;
        kit::exec_fails(&private, libc::EACCES)?;
        inside.wait()
    })?;
    child.finish(2)
}

/// Executable, but no program.
pub fn format(scene: &Scene) -> Outcome {
    let elf = tiny::elf(Tiny::Leaves);
    let mut foreign = elf.clone();
    // e_machine: an architecture that never was.
    foreign[18..20].copy_from_slice(&0xfffe_u16.to_le_bytes());
    let files: [(&str, &[u8]); 5] = [
        ("text", b"just text\n"),
        ("nothing", b""),
        ("half", &elf[..40]),
        ("foreign", &foreign),
        ("no-interpreter", b"#!   \n"),
    ];
    let mut programs = Vec::new();
    for (name, bytes) in files {
        scene.file(name, bytes, 0o755)?;
        programs.push(scene.program(name, &["x"])?);
    }
    all_fail(&programs, libc::ENOEXEC)
}

/// Names that lead nowhere: through a file, in circles, too long as a whole or in one part.
pub fn path(scene: &Scene) -> Outcome {
    all_fail(&[scene.program("prog/below", &[])?], libc::ENOTDIR)?;
    scene.link("circle", "circle")?;
    // Each interpreter is the script itself; the kernel follows a few times.
    let own = scene.path("own");
    scene.file("own", format!("#!{}\n", own.display()).as_bytes(), 0o755)?;
    all_fail(
        &[scene.program("circle", &[])?, scene.program("own", &[])?],
        libc::ELOOP,
    )?;
    let component = "c".repeat(256);
    let whole = format!("{}prog", "./".repeat(2100));
    let programs = [
        scene.program(&component, &[])?,
        Program::new(whole, &[])?.argv(&["prog"])?,
    ];
    all_fail(&programs, libc::ENAMETOOLONG)
}

/// One string of 128 KiB, its zero included, is the longest that the kernel takes.
pub fn size(scene: &Scene) -> Outcome {
    const LONGEST_BYTES: usize = 32 * 4096;
    let program = scene.program("prog", &[])?;
    let too_long = Program {
        argv: vec![program.path.clone()],
        ..program
    }
    .env(&[&"e".repeat(LONGEST_BYTES)])?;
    all_fail(&[too_long], libc::E2BIG)
}

/// As a shell looks for a command: the first two places fail, the third has it.
pub fn search(scene: &Scene) -> Outcome {
    scene.file("second/tool", b"not executable", 0o644)?;
    scene.tiny("third/tool")?;
    let given = |place: &str| scene.program(place, &[])?.argv(&["tool", "--option"]);
    let (first, second, third) = (
        given("first/tool")?,
        given("second/tool")?,
        given("third/tool")?,
    );
    let child = kit::run_after(Birth::Fork, &third, &mut || {
        kit::exec_fails(&first, libc::ENOENT)?;
        kit::exec_fails(&second, libc::EACCES)
    })?;
    child.finish(1)
}

/// The headers are good, the load address is not: exec fails when it is too late to go back, and
/// the kernel kills the process. Which errno it had nobody can ask.
pub fn past_return(scene: &Scene) -> Outcome {
    scene.file("unloadable", &tiny::elf_that_cannot_be_loaded(), 0o755)?;
    let program = scene.program("unloadable", &[])?;
    let child = kit::start(Birth::Fork, &mut |inside| {
        Err(inside.exec(&program)).tried("exec what cannot be loaded")
    })?;
    let mut fact = program.said("exec_failed", child.pid);
    fact["tid"] = child.pid.into();
    fact["errno"] = serde_json::Value::Null;
    crate::workloads::truth::say(&fact)?;
    child.ends(Ended::Signal {
        signal: libc::SIGSEGV,
        core: false,
    })?;
    fs::remove_file(scene.path("unloadable")).tried("remove the program")
}

/// One child tries them all; each must fail with this errno.
fn all_fail(programs: &[Program], errno: i32) -> Outcome {
    let child = kit::start(Birth::Fork, &mut |inside| {
        for program in programs {
            kit::exec_fails(program, errno)?;
        }
        inside.wait()
    })?;
    child.finish(1)
}
