//! One object: taken apart, its maps made, each of its programs judged alone.

use std::io::{self, Read, Write};

use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::program::Program;
use trapline_loader::spec::{AttachSpec, MapSpec, ObjectSpec};
use trapline_loader::{Error, ErrorKind};

use super::{Out, Verified, Verifying};

/// Ring buffers whose object leaves their size open get this one: their
/// program would set it.
const RING_BYTES: u32 = 1 << 20;
/// BPF_MAP_TYPE_RINGBUF and BPF_MAP_TYPE_USER_RINGBUF.
const RINGS: [u32; 2] = [27, 31];

/// A program, as far as the specification names it.
struct Named {
    name: String,
    section: String,
    /// Whether its section alone says where to attach it.
    attachable: bool,
}

/// Judges an object from the program at `from` on; what is wrong with the
/// object as a whole is said only from the beginning.
pub(super) fn judge<W: Write, R: Read>(
    out: &mut Out<W, R>,
    name: &str,
    bytes: &[u8],
    from: usize,
    attach: bool,
) -> io::Result<()> {
    out.verifying(Verifying {
        step: "open".to_owned(),
        ..Verifying::default()
    })?;
    let mut spec = match ObjectSpec::parse(name, bytes) {
        Ok(spec) => spec,
        Err(error) => {
            return out.verified(Verified {
                verdict: "rejected",
                ..failed(&error, &[&format!("object {name}")])
            });
        }
    };
    if from == 0 {
        for (what, why) in &spec.skipped {
            out.verified(skipped(what, why))?;
        }
    }
    let has_skipped = !spec.skipped.is_empty();
    for program in &mut spec.programs {
        program.kind.autoload = false;
    }
    for map in &mut spec.maps {
        prepare(map);
    }
    let named = |program: &trapline_loader::spec::ProgramSpec| Named {
        name: program.name.clone(),
        section: program.section.clone(),
        attachable: says_where(&program.kind.attach),
    };
    let programs: Vec<Named> = spec.programs.iter().map(named).collect();
    out.verifying(Verifying {
        step: "maps".to_owned(),
        ..Verifying::default()
    })?;
    let options = LoadOptions::default().with_stats(true);
    let mut object = Object::load(spec, &mut KernelBtf::running(), &options);
    if programs.is_empty() && from == 0 && !has_skipped {
        // Maps alone are an object, too.
        let verified = match &object {
            Ok(_) => Verified {
                verdict: "loaded",
                ..Verified::default()
            },
            Err(error) => failed(error, &[&format!("object {name}")]),
        };
        out.verified(verified)?;
    }
    for (position, program) in programs.iter().enumerate().skip(from) {
        let verifying = |step: &str| Verifying {
            position: Some(position),
            program: Some(program.name.clone()),
            section: Some(program.section.clone()),
            step: step.to_owned(),
            ..Verifying::default()
        };
        let verified = match &mut object {
            Ok(object) => {
                out.verifying(verifying("load"))?;
                match object.load_program(&program.name) {
                    Ok(loaded) if attach && program.attachable => {
                        out.verifying(verifying("attach"))?;
                        attached(loaded)
                    }
                    Ok(loaded) => accepted(loaded),
                    Err(error) => failed(&error, &contexts(name, program)),
                }
            }
            Err(error) => failed(error, &contexts(name, program)),
        };
        out.verified(Verified {
            position: Some(position),
            program: Some(program.name.clone()),
            section: Some(program.section.clone()),
            ..verified
        })?;
    }
    Ok(())
}

/// Fits a map to a kernel where nobody has been and nobody will be.
fn prepare(map: &mut MapSpec) {
    if RINGS.contains(&map.map_type) && map.max_entries == 0 {
        map.max_entries = RING_BYTES;
    }
    // What another object left behind is not this one's business.
    map.pinning = 0;
}

/// The lines of a chain that repeat what the record says anyway.
fn contexts(object: &str, program: &Named) -> [String; 3] {
    let Named { name, section, .. } = program;
    [
        format!("object {object}"),
        format!("program {name} ({section})"),
        format!("attaching program {name} ({section})"),
    ]
}

fn skipped(what: &str, why: &str) -> Verified {
    let (section, program) = match what.split_once(": ") {
        Some((section, program)) => (section, Some(program.to_owned())),
        None => (what, None),
    };
    Verified {
        program,
        section: Some(section.to_owned()),
        verdict: "rejected",
        chain: vec![why.to_owned()],
        ..Verified::default()
    }
}

fn accepted(program: &Program) -> Verified {
    let info = program.info().ok();
    let stats = program.stats();
    Verified {
        verdict: "loaded",
        verified_insns: info.as_ref().and_then(|info| info.verified_insns),
        jited_bytes: info.as_ref().map(|info| info.jited_bytes),
        total_states: stats.map(|stats| stats.total_states),
        stack_bytes: stats.map(|stats| stats.stack_bytes.iter().sum()),
        time_us: stats.map(|stats| stats.time_us),
        ..Verified::default()
    }
}

/// Attaches a loaded program, and takes it off again.
fn attached(program: &Program) -> Verified {
    let done = program.attach().and_then(|link| link.detach());
    let context = format!(
        "attaching program {} ({})",
        program.name(),
        program.section()
    );
    Verified {
        attached: Some(done.is_ok()),
        chain: match &done {
            Ok(()) => Vec::new(),
            Err(error) => chain(error, &[context]),
        },
        ..accepted(program)
    }
}

fn failed(error: &Error, contexts: &[impl AsRef<str>]) -> Verified {
    Verified {
        verdict: match error.kind() {
            // What the kernel does not have: a feature, a function, a kfunc.
            ErrorKind::Unsupported { .. } | ErrorKind::NotFound => "unsupported",
            _ => "rejected",
        },
        chain: chain(error, contexts),
        excerpt: error.verifier_excerpt(),
        log: error.verifier_log().map(str::to_owned),
        ..Verified::default()
    }
}

fn chain(error: &Error, contexts: &[impl AsRef<str>]) -> Vec<String> {
    let is_known = |line: &&str| contexts.iter().any(|context| context.as_ref() == *line);
    let lines = error.chain().skip_while(is_known);
    lines.map(str::to_owned).collect()
}

/// Does a section name everything that it takes to attach? Not where a
/// program, a cgroup, an interface or a binary of its own has to be there.
fn says_where(attach: &AttachSpec) -> bool {
    match attach {
        AttachSpec::Fentry { func }
        | AttachSpec::Fexit { func }
        | AttachSpec::Fsession { func }
        | AttachSpec::FmodRet { func }
        | AttachSpec::Kprobe { func, .. }
        | AttachSpec::Kretprobe { func } => !func.is_empty(),
        AttachSpec::TracingMulti { pattern, .. } | AttachSpec::KprobeMulti { pattern, .. } => {
            !pattern.is_empty()
        }
        AttachSpec::TpBtf { name }
        | AttachSpec::RawTracepoint { name }
        | AttachSpec::Tracepoint { name, .. }
        | AttachSpec::Ksyscall { name, .. } => !name.is_empty(),
        AttachSpec::Lsm { hook } => !hook.is_empty(),
        AttachSpec::Iter { target } => !target.is_empty(),
        _ => false,
    }
}
