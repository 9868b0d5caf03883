//! Cases of `trapline load`: what it says, attaches, pins and leaves behind.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use trapline_loader::attach::Link;
use trapline_loader::error::ErrorKind;
use trapline_loader::map::Map;
use trapline_loader::program::Program;

use super::checks::Checks;
use super::hits::Hits;
use super::stage::{Failure, Tried, spec_of};
use super::trapline::{PROGRAM, Said, file, trapline};
use super::triggers::{own_process_group, set_domain_name};
use super::{Case, Outcome, Report, Stage};
use crate::sys::process;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "load_by_program",
        object: Some("bench_load"),
        run: load,
    },
    Case {
        name: "attach_by_program",
        object: Some("attach_fmod_ret"),
        run: attach,
    },
    Case {
        name: "attach_pinned_by_program",
        object: Some("attach_fentry"),
        run: attach_pinned,
    },
    Case {
        name: "options_by_program",
        object: Some("bench_load"),
        run: options,
    },
];

const PINS: &str = "/sys/fs/bpf/trapline-program";
const TIMES: u64 = 3;
/// What nobody holds goes a moment later.
const PATIENCE: Duration = Duration::from_secs(2);

/// Figures of what loads, the reason of what does not, as a table and as JSON.
fn load(_: &mut Stage<'_>) -> Outcome {
    let (good, other, bad) = (
        file("bench_load")?,
        file("map_hash")?,
        file("core_missing")?,
    );
    let mut checks = Checks::default();
    let said = trapline(&["load", "--json", &good, &other, &bad])?;
    checks.equal("the code where one is refused", &said.code, &Some(1))?;
    for program in ["on_exec", "on_packet", "look_up"] {
        let line = said.line(program)?;
        checks.equal(program, &line["verdict"], &"loaded".into())?;
        let figures = ["verified_insns", "total_states", "jited_bytes", "time_us"];
        for name in figures {
            let is_told = line[name].as_u64().is_some_and(|figure| figure > 0);
            checks.holds(&format!("{name} in {line}"), is_told)?;
        }
        let stack = line["stack_bytes"].as_array();
        let is_told =
            stack.is_some_and(|stack| stack.iter().all(Value::is_u64) && !stack.is_empty());
        checks.holds(&format!("stack_bytes in {line}"), is_told)?;
    }
    let line = said.line("unguarded")?;
    checks.equal("what is refused", &line["verdict"], &"rejected".into())?;
    for (key, part) in [("error", "task_struct.exit_coode"), ("log", "call unknown")] {
        let is_told = line[key].as_str().is_some_and(|text| text.contains(part));
        checks.holds(&format!("{part} in {line}"), is_told)?;
    }
    let said = trapline(&["load", &other, &bad])?;
    checks.equal("the code of the table", &said.code, &Some(1))?;
    for words in [
        ["program", "section", "verdict", "insns", "states"],
        ["look_up", "raw_tp/sys_enter", "loaded", "11", "1"],
    ] {
        let mut lines = said.out.lines();
        let is_there = lines.any(|line| line.split_whitespace().take(5).eq(words));
        checks.holds(&format!("{words:?} in {}", said.out), is_there)?;
    }
    let is_told = said.out.contains("REJECTED") && said.out.contains("exit_coode");
    checks.holds(&said.out, is_told)?;
    Ok(checks.report("trapline"))
}

/// A running `trapline load --attach`.
struct Attached {
    child: Child,
    /// The numbers of its maps.
    maps: Vec<u32>,
}

impl Attached {
    /// Starts it and waits until it says that it has attached `count`.
    fn start(words: &[&str], count: usize) -> Result<Self, Failure> {
        let mut child = Command::new(PROGRAM)
            .args(["load", "--json", "--attach"])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .tried(PROGRAM)?;
        let wanted = format!("{count} attached; Ctrl-C detaches");
        let err = child.stderr.as_mut().map(BufReader::new);
        let mut said = err
            .into_iter()
            .flat_map(|err| err.lines().map_while(Result::ok));
        match said.next() {
            Some(line) if line == wanted => {}
            line => {
                let rest = child.wait_with_output().tried(PROGRAM)?;
                let out = String::from_utf8_lossy(&rest.stdout);
                let line = line.unwrap_or_default();
                return Err(Failure::Other(format!("not `{wanted}`: {line}\n{out}")));
            }
        }
        let maps = maps_of(child.id())?;
        Ok(Self { child, maps })
    }

    /// Ctrl-C, and what it said in all.
    fn interrupt(mut self) -> Result<Said, Failure> {
        process::kill(self.child.id().cast_signed(), libc::SIGINT).tried("SIGINT")?;
        let (mut out, mut err) = (String::new(), String::new());
        if let (Some(stdout), Some(stderr)) = (&mut self.child.stdout, &mut self.child.stderr) {
            stdout.read_to_string(&mut out).tried("its output")?;
            stderr.read_to_string(&mut err).tried("its words")?;
        }
        let status = self.child.wait().tried("its end")?;
        Ok(Said {
            out,
            err,
            code: status.code(),
        })
    }
}

/// The numbers of the maps that a process has open.
fn maps_of(pid: u32) -> Result<Vec<u32>, Failure> {
    let folder = format!("/proc/{pid}/fdinfo");
    let entries = fs::read_dir(&folder).tried(&folder)?;
    let texts = entries.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    let ids = texts.filter_map(|text| {
        let id = text.lines().find_map(|line| line.strip_prefix("map_id:"))?;
        id.trim().parse().ok()
    });
    Ok(ids.collect())
}

fn hits_of(object: &str) -> Result<Hits, Failure> {
    let none = || Failure::Other(format!("object {object} does not count"));
    Hits::of(&spec_of(object)?).ok_or_else(none)
}

/// Two objects attached, triggered and counted; Ctrl-C detaches them and leaves
/// nothing behind. One counts only what the process does that it is told by --set.
fn attach(_: &mut Stage<'_>) -> Outcome {
    let objects = ["attach_fmod_ret", "attach_kprobe"];
    let (first, second) = (file(objects[0])?, file(objects[1])?);
    let pid = format!("pid={}", std::process::id());
    let attached = Attached::start(&["--set", &pid, &first, &second], 2)?;
    let trigger = || own_process_group().and_then(|()| set_domain_name());
    for _ in 0..TIMES {
        trigger()?;
    }
    // The maps of both objects have the same name but for its beginning.
    let held = attached.maps.iter().map(|id| Map::from_id(*id));
    let held: Vec<Map> = held.collect::<Result<_, _>>()?;
    let (ids, hits) = (attached.maps.clone(), hits_of(objects[0])?);
    let counting: Vec<&Map> = held
        .iter()
        .filter(|map| map.name().ends_with(".bss"))
        .collect();
    let counted = || {
        counting
            .iter()
            .map(|map| hits.read(map))
            .sum::<Result<u64, _>>()
    };
    let before = counted()?;
    let said = attached.interrupt()?.good()?;
    if !said.err.contains("2 detached") {
        return Err(Failure::Other(format!("it said: {}", said.err)));
    }
    trigger()?;
    let after = counted()?;
    drop(held);
    for id in ids {
        gone("map", || Map::from_id(id))?;
    }
    Ok(Report {
        how: how(&said, "on_fmod_ret")?,
        expected: 2 * TIMES,
        counted: before,
        after_detach: Some(after),
    })
}

/// The way in which a program is attached, as it says itself.
fn how(said: &Said, program: &str) -> Result<String, Failure> {
    let line = said.line(program)?;
    let how = line["how"].as_str().map(str::to_owned);
    how.ok_or_else(|| Failure::Other(format!("no way in {line}")))
}

/// Waits until the kernel has given something up.
fn gone<T>(what: &str, find: impl Fn() -> trapline_loader::Result<T>) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        match find() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(_) if Instant::now() > until => {
                return Err(Failure::Other(format!("a {what} was left behind")));
            }
            Ok(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// What is pinned stays when the program has ended, and goes with its pins.
fn attach_pinned(_: &mut Stage<'_>) -> Outcome {
    let object = file("attach_fentry")?;
    let words = ["load", "--json", "--attach", "--pin", PINS, &object];
    let said = trapline(&words)?.good()?;
    let hits = hits_of("attach_fentry")?;
    let folder = Path::new(PINS).join("attach_fentry");
    for folder in [&folder, &folder.join("maps"), &folder.join("links")] {
        let mode = fs::metadata(folder).tried(PINS)?.permissions().mode();
        if mode & 0o7777 != 0o700 {
            return Err(Failure::Other(format!("{}: {mode:o}", folder.display())));
        }
    }
    let map = Map::from_pin(folder.join("maps").join(hits.map.replace('.', "_")))?;
    for _ in 0..TIMES {
        set_domain_name()?;
    }
    let counted = hits.read(&map)?;
    // All or nothing, and what was there first stays.
    let mut again = trapline(&words)?;
    if again.code.take() != Some(1) || !again.err.contains("EEXIST") {
        return Err(Failure::Other(format!("pinned twice: {}", again.err)));
    }
    let link = Link::from_pin(folder.join("links/on_fentry"))?.info()?;
    let program = Program::from_pin(folder.join("programs/on_fentry"))?.info()?;
    let is_its = link.is_some_and(|link| link.prog_id == program.id);
    unpin()?;
    // The link lets go of it when it is detached.
    gone("program", || Program::from_id(program.id))?;
    set_domain_name()?;
    if !is_its {
        return Err(Failure::Other(
            "the pinned link is of another program".to_owned(),
        ));
    }
    Ok(Report {
        how: how(&said, "on_fentry")?,
        expected: TIMES,
        counted,
        after_detach: Some(hits.read(&map)?),
    })
}

fn unpin() -> Result<(), Failure> {
    fs::remove_dir_all(PINS).tried(PINS)
}

/// A map of another size, types from a file, and what cannot be.
fn options(_: &mut Stage<'_>) -> Outcome {
    const TYPES: &str = "/tmp/types.btf";
    let object = file("bench_load")?;
    let mut checks = Checks::default();
    trapline(&[
        "btf",
        "min",
        &object,
        "--btf",
        crate::KERNEL_BTF,
        "-o",
        TYPES,
    ])?
    .good()?;
    let own = trapline(&["load", "--json", &object])?.good()?;
    let words = [
        "load",
        "--json",
        "--btf",
        TYPES,
        "--map",
        "records:entries=77",
    ];
    let more = ["--set", "only_pid=0x10", "--pin", PINS, &object];
    let given = trapline(&[&words[..], &more].concat())?.good()?;
    let insns = |said: &Said| Ok::<_, Failure>(said.line("on_packet")?["verified_insns"].clone());
    checks.equal(
        "instructions with a file's types",
        &insns(&given)?,
        &insns(&own)?,
    )?;
    let pinned = |path: &str| -> PathBuf { Path::new(PINS).join("bench_load").join(path) };
    let records = Map::from_pin(pinned("maps/records"))?;
    checks.equal("entries", &records.max_entries(), &77)?;
    let constants = Map::from_pin(pinned("maps/_rodata"))?.lookup(&[0; 4])?;
    checks.equal(
        "a constant",
        &constants,
        &Some(16_u32.to_le_bytes().to_vec()),
    )?;
    let is_pinned = pinned("programs/on_exec").exists();
    checks.holds("a program's pin", is_pinned)?;
    unpin()?;
    for (words, why) in [
        (["--btf", "/proc/version"], "BTF"),
        (["--set", "only_pid=many"], "many is no number"),
        (["--map", "nobody:entries=1"], "no map nobody"),
    ] {
        let said = trapline(&[&["load"][..], &words, &[&object]].concat())?;
        let is_told = format!("{}{}", said.out, said.err).contains(why);
        let is_right = said.code == Some(1) && is_told;
        checks.holds(&format!("{words:?}: {}{}", said.out, said.err), is_right)?;
    }
    Ok(checks.report("trapline"))
}
