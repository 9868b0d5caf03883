//! One family of sensors into the kernel: the programs of the flavour that is wanted, and
//! those of the other for what this kernel refuses to have hooked so.
//!
//! Knows which maps families share; deliberately nothing of records and of accounts.

use trapline_loader::attach::{KprobeOptions, Link};
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::map::{self, Map};
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::program::Program;
use trapline_loader::spec::AttachSpec;
use trapline_loader::{Error, ErrorKind, Result};

use super::{Flavour, Options};
use crate::family::Family;
use crate::hooks::Hook;

/// What families write to, count in, find exiting processes in and leave out by: each that has
/// such a map uses that of the first that has one.
pub(super) const SHARED_MAPS: [&str; 8] = [
    "events",
    "excluded",
    "exit_slot_owners",
    "exit_slots",
    "filters_used",
    "lanes",
    "losses",
    "mounts",
];

/// Attachments, by the name of the program.
pub(super) type Links = Vec<(&'static str, Link)>;

/// One family, attached.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(super) family: Family,
    object: Object,
    pub(super) links: Links,
}

impl Loaded {
    pub(super) fn maps(&self) -> &[Map] {
        self.object.maps()
    }

    pub(crate) fn map(&self, name: &str) -> Result<&Map> {
        self.object.map(name)
    }

    pub(super) fn program(&self, name: &str) -> Result<&Program> {
        self.object.program(name)
    }
}

/// How many hooks' programs are in memory at once: all those of a family would be several
/// times the rest of this process. And on how many processors they are verified at most.
const HOOKS_AT_ONCE: usize = 8;

/// Loads a family and attaches it, with the maps that it shares with `others`.
///
/// # Errors
/// What a hook's last flavour failed with; nothing stays behind.
pub(super) fn load(
    family: Family,
    others: &[Loaded],
    kernel: &mut KernelBtf,
    flavour: Flavour,
    options: &Options,
) -> Result<Loaded> {
    let unpacked = family.object().unpack()?;
    let mut loading = Loading {
        family,
        unpacked: &unpacked,
        load_options: load_options(others, options)?,
        options,
        kernel,
        object: None,
        links: Links::new(),
    };
    let hooks: Vec<&Hook> = family.hooks().iter().collect();
    let refused = loading.attach_all(&hooks, flavour)?;
    match flavour {
        Flavour::Kprobe => settle(refused, &[])?,
        Flavour::Fentry => {
            let hooks: Vec<&Hook> = refused.iter().map(|(hook, _)| *hook).collect();
            settle(loading.attach_all(&hooks, Flavour::Kprobe)?, &refused)?;
        }
    }
    let object = loading.object;
    let object = object.ok_or_else(|| Error::invalid_input("a family without hooks"))?;
    Ok(Loaded {
        family,
        object,
        links: loading.links,
    })
}

/// Has each map that `others` share with a family taken from the first that has it.
fn load_options(others: &[Loaded], options: &Options) -> Result<LoadOptions> {
    let mut shared = SHARED_MAPS.iter().filter_map(|name| {
        let mut maps = others.iter().filter_map(|other| other.map(name).ok());
        maps.next()
    });
    let load_options = LoadOptions::default().with_stats(options.want_stats);
    shared.try_fold(load_options, |options, map| {
        options.reuse_map(map.name(), map)
    })
}

/// What a kernel would not take, and why.
type Refused = Vec<(&'static Hook, Error)>;

/// A family on its way into the kernel.
struct Loading<'a> {
    family: Family,
    unpacked: &'a [u8],
    options: &'a Options,
    load_options: LoadOptions,
    kernel: &'a mut KernelBtf,
    /// None before the first portion.
    object: Option<Object>,
    links: Links,
}

impl Loading<'_> {
    /// Loads and attaches in one flavour what the kernel takes, in portions.
    fn attach_all(&mut self, hooks: &[&'static Hook], flavour: Flavour) -> Result<Refused> {
        let mut refused = Refused::new();
        for portion in hooks.chunks(HOOKS_AT_ONCE) {
            let mut object = self.portion(portion, flavour)?;
            for hook in portion {
                let attached = match flavour {
                    Flavour::Fentry => attach_fentry(&mut object, hook),
                    Flavour::Kprobe => attach_kprobes(&mut object, hook),
                };
                match attached {
                    Ok(attached) => self.links.extend(attached),
                    Err(error) => refused.push((hook, error)),
                }
            }
            object.forget_waiting();
            self.object = Some(object);
        }
        Ok(refused)
    }

    /// The object with the programs of these hooks waiting to be loaded.
    fn portion(&mut self, hooks: &[&'static Hook], flavour: Flavour) -> Result<Object> {
        let programs = hooks.iter().flat_map(|hook| match flavour {
            Flavour::Fentry => hook.fentry.iter().chain(&None),
            Flavour::Kprobe => hook.kprobe.iter().chain(&hook.kretprobe),
        });
        let programs: Vec<&str> = programs.copied().collect();
        let cpus = map::possible_cpu_numbers()?;
        let (family, unpacked, options) = (self.family, self.unpacked, self.options);
        let spec = family.spec_of(unpacked, &programs, cpus, options, self.kernel)?;
        let mut object = match self.object.take() {
            None => Object::load(spec, self.kernel, &self.load_options)?,
            Some(mut object) => {
                object.load_more(spec, self.kernel, &self.load_options)?;
                object
            }
        };
        if cpus > 1 {
            object.load_ahead(&programs, HOOKS_AT_ONCE.min(cpus as usize))?;
        }
        Ok(object)
    }
}

/// Whether the sensors are fit for use without the hooks that were refused in the last
/// flavour; `before` is what the flavour before that said.
fn settle(refused: Refused, before: &[(&'static Hook, Error)]) -> Result<()> {
    for (hook, error) in refused {
        if !hook.required && error.kind() == ErrorKind::NotFound {
            continue;
        }
        let fentry = before.iter().find(|(other, _)| other.name == hook.name);
        let error = match fentry {
            Some((_, fentry)) => error.context(format!("not by fentry: {fentry:#}")),
            None => error,
        };
        return Err(error.context(format!("{} sensor", hook.name)));
    }
    Ok(())
}

fn attach_fentry(object: &mut Object, hook: &Hook) -> Result<Links> {
    let attached = |name: &&'static str| Ok((*name, object.try_program(name)?.attach()?));
    hook.fentry.iter().map(attached).collect()
}

fn attach_kprobes(object: &mut Object, hook: &Hook) -> Result<Links> {
    let mut links = Links::new();
    for name in hook.kprobe {
        let program = object.load_program(name)?;
        let (function, entry) = match program.attach_spec().clone() {
            // Where a kprobe would be left out too often: see the C.
            AttachSpec::RawTracepoint { .. } => {
                links.push((name, program.attach()?));
                continue;
            }
            AttachSpec::Kretprobe { func } => {
                let link = attach_return(program, &func)?;
                (func, link)
            }
            AttachSpec::Kprobe { func, .. } => (func, program.attach()?),
            _ => return Err(Error::invalid_input(format!("program {name} is no kprobe"))),
        };
        if let Some(kretprobe) = hook.kretprobe {
            let program = object.load_program(kretprobe)?;
            links.push((kretprobe, attach_return(program, &function)?));
        }
        links.push((name, entry));
    }
    Ok(links)
}

/// Calls under way at once whose return is seen. By itself a kernel without
/// preemption sees one for each CPU, and a single reader of a pipe, which waits
/// for hours, would take it.
const MAX_ACTIVE: u32 = 512;

/// Attaches to a return with room for many calls at once; with what the kernel
/// gives by itself where it has no tracefs to ask for more.
fn attach_return(program: &Program, function: &str) -> Result<Link> {
    let mut options = KprobeOptions {
        on_return: true,
        max_active: MAX_ACTIVE,
        ..KprobeOptions::default()
    };
    let attached = program.attach_kprobe(function, &options);
    attached.or_else(|_| {
        options.max_active = 0;
        program.attach_kprobe(function, &options)
    })
}
