//! What is chosen, and what is left out.

use std::fs::{self, File};
use std::io::{PipeWriter, Read, Write};
use std::net::UdpSocket;

use super::running::{Watching, values};
use super::{FOLDER, acts};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::{Outcome, Stage};
use crate::sys::{birth, process};

const GROUP: &str = "/sys/fs/cgroup/trapline-watched";

/// A process that waits until it may do something.
struct Actor {
    pid: i32,
    gate: PipeWriter,
}

impl Actor {
    /// It makes a file of this name, and has a child make another, if there is a name.
    fn new(own: &'static str, child: Option<&'static str>) -> Result<Self, Failure> {
        let (mut gate, opens) = std::io::pipe().tried("make a pipe")?;
        let mut acts = || {
            let done = gate.read_exact(&mut [0]).is_ok() && make(own).is_ok();
            if let Some(name) = child {
                let child = birth::fork(&mut || i32::from(make(name).is_err()));
                let _ = child.and_then(|pid| process::wait(Some(pid)));
            }
            i32::from(!done)
        };
        let pid = birth::fork(&mut acts).tried("fork")?;
        Ok(Self { pid, gate: opens })
    }

    fn pid(&self) -> String {
        self.pid.to_string()
    }

    fn act(mut self) -> Result<(), Failure> {
        self.gate.write_all(&[1]).tried("open the gate")?;
        process::wait(Some(self.pid)).tried("wait").map(drop)
    }
}

pub(super) fn filters(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    trees(&mut checks)?;
    exclusions(&mut checks)?;
    groups(&mut checks)?;
    addresses(&mut checks)?;
    // The last name counts as whole.
    let of_path = format!("{FOLDER}/inside");
    let words = ["--kind", "file_create", "--path", &of_path, "--uid", "0"];
    let names = told(&words, || {
        fs::create_dir_all(&of_path).tried("mkdir")?;
        make("inside/one")?;
        make("inside2")
    })?;
    let expected = ["inside", "one"].map(str::to_owned).to_vec();
    checks.equal("below a path", &names, &expected)?;
    fs::remove_dir_all(FOLDER).tried(FOLDER)?;
    Ok(checks.report("fentry"))
}

/// Makes a file of ours.
fn make(name: &str) -> Result<(), Failure> {
    File::create(format!("{FOLDER}/{name}"))
        .tried(name)
        .map(drop)
}

/// Names of the files created meanwhile, where there are none yet: one that is there is
/// opened, not created.
fn told(words: &[&str], act: impl FnOnce() -> Result<(), Failure>) -> Result<Vec<String>, Failure> {
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir_all(FOLDER).tried(FOLDER)?;
    let words = [&["--json"], words].concat();
    let watching = Watching::start(&words)?;
    act()?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    let names = values(&said.out)?.into_iter().filter_map(|line| {
        let path = line["path"].as_str()?.to_owned();
        let is_ours = line["kind"] == "file_create" && path.starts_with(FOLDER);
        is_ours.then(|| path.rsplit('/').next().unwrap_or_default().to_owned())
    });
    Ok(names.collect())
}

/// A process with all that come of it, and with none of the others.
fn trees(checks: &mut Checks) -> Result<(), Failure> {
    let actor = Actor::new("mine", Some("too"))?;
    let pid = actor.pid();
    let names = told(&["--kind", "file_create", "--tree", &pid], || {
        make("by another")?;
        actor.act()
    })?;
    let expected = ["mine", "too"].map(str::to_owned).to_vec();
    checks.equal("of a tree", &names, &expected)
}

/// A process, with what comes of it and without.
fn exclusions(checks: &mut Checks) -> Result<(), Failure> {
    for (more, left) in [
        (&[][..], &["child", "other"][..]),
        (&["--exclude-descendants"], &["other"]),
    ] {
        let actor = Actor::new("own", Some("child"))?;
        let pid = actor.pid();
        let words = [&["--kind", "file_create", "--exclude-pid", &pid][..], more].concat();
        let names = told(&words, || {
            actor.act()?;
            make("other")
        })?;
        let left: Vec<String> = left.iter().map(|name| (*name).to_owned()).collect();
        checks.equal(&format!("excluded {more:?}"), &names, &left)?;
    }
    Ok(())
}

/// A control group and those below it, also one that is made later.
fn groups(checks: &mut Checks) -> Result<(), Failure> {
    fs::create_dir_all(GROUP).tried(GROUP)?;
    let later = format!("{GROUP}/later");
    let words = ["--kind", "file_create", "--cgroup", "line-watched"];
    let names = told(&words, || {
        make("outside")?;
        fs::create_dir(&later).tried(&later)?;
        let actor = Actor::new("grouped", None)?;
        fs::write(format!("{later}/cgroup.procs"), actor.pid()).tried("move it there")?;
        actor.act()
    })?;
    checks.equal("of a control group", &names, &vec!["grouped".to_owned()])?;
    for group in [&later, GROUP] {
        fs::remove_dir(group).tried(group)?;
    }
    Ok(())
}

/// One port of one network.
fn addresses(checks: &mut Checks) -> Result<(), Failure> {
    let policy = "/tmp/watch-filters.toml";
    fs::write(policy, "[capture]\nloopback = true\n").tried(policy)?;
    let words = [
        "--json",
        "--kind",
        "connect",
        "--policy",
        policy,
        "--address",
    ];
    let words = [&words[..], &["127.1.0.0/16:4711/udp"]].concat();
    let watching = Watching::start(&words)?;
    for to in [
        ("127.1.2.3", 4711),
        ("127.1.2.3", 4712),
        ("127.2.2.3", 4711),
    ] {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).tried("bind")?;
        socket.connect(to).tried("connect")?;
    }
    acts::connection()?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    let told = values(&said.out)?;
    checks.equal("connections", &told.len(), &1)?;
    let remote = told.first().map(|line| line["remote"].to_string());
    let remote = remote.unwrap_or_default();
    let is_it = remote.contains("127.1.2.3") && remote.contains("4711");
    checks.holds(&remote, is_it)?;
    fs::remove_file(policy).tried(policy)
}
