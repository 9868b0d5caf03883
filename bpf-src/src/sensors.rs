//! The sensors in a running kernel: load, attach, read, account.

use std::collections::BTreeMap;
use std::time::Duration;

use trapline_loader::attach::{KprobeOptions, Link};
use trapline_loader::error::ResultExt;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::ring::RingBuffer;
use trapline_loader::spec::{AttachSpec, ObjectSpec};
use trapline_loader::{Error, ErrorKind, Result};

use crate::account;
use crate::hooks::{self, Hook};
use crate::objects;

pub use crate::account::Account;

/// How to hook into the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// fentry, fexit and BTF tracepoints; by kprobes only what this kernel
    /// refuses to have hooked so. The cheaper one.
    #[default]
    Fentry,
    /// kprobes and kretprobes only.
    Kprobe,
}

impl Flavour {
    /// `fentry` or `kprobe`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fentry => "fentry",
            Self::Kprobe => "kprobe",
        }
    }
}

/// What can be chosen at load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Size of the ring buffer in bytes: a power of two, at least a page.
    pub ring_bytes: u32,
    /// Have [`AttachedProgram::verified_insns`] also before Linux 5.16; makes loading a
    /// little slower there.
    pub want_stats: bool,
}

impl Default for Options {
    /// 4 MiB of ring: some 8,000 forks of usual size.
    fn default() -> Self {
        Self {
            ring_bytes: 4 << 20,
            want_stats: false,
        }
    }
}

/// What is known of an attached program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttachedProgram {
    /// Its name in C.
    pub name: String,
    /// How it is attached: `fentry`, `tp_btf`, `kprobe/link`, …
    pub attach: &'static str,
    /// Instructions that the verifier looked at, where the kernel tells.
    pub verified_insns: Option<u32>,
    /// Size of the machine code in bytes.
    pub jited_bytes: u32,
}

/// The sensors, attached. Dropped, they are gone.
#[derive(Debug)]
pub struct Sensors {
    object: Object,
    /// By the name of the program.
    links: Vec<(&'static str, Link)>,
    ring: RingBuffer,
    received: u64,
}

/// Slots for exits on their way, for each CPU and at least; see c/exit.bpf.h.
const EXIT_SLOTS_PER_CPU: u32 = 4;
const EXIT_SLOTS: u32 = 64;

impl Sensors {
    /// Loads all sensors and attaches them.
    ///
    /// # Errors
    /// What a hook's last flavour failed with; nothing stays behind.
    pub fn load(flavour: Flavour, options: &Options) -> Result<Self> {
        let cpus = trapline_loader::map::possible_cpu_numbers()?;
        let spec = process_spec(cpus, options)?;
        let load_options = LoadOptions::default().with_stats(options.want_stats);
        let mut object = Object::load(spec, &mut KernelBtf::running(), &load_options)?;
        let mut links = Vec::new();
        for hook in hooks::PROCESS {
            let attached = attach(&mut object, hook, flavour);
            links.extend(attached.with_context(|| format!("{} sensor", hook.name))?);
        }
        object.forget_waiting();
        let ring = RingBuffer::new(object.map("events")?)?;
        Ok(Self {
            object,
            links,
            ring,
            received: 0,
        })
    }

    /// The attached programs, each once, however often it is attached.
    ///
    /// # Errors
    /// What the kernel says when it is asked about one of them.
    pub fn programs(&self) -> Result<Vec<AttachedProgram>> {
        let mut programs: Vec<AttachedProgram> = Vec::new();
        for (name, link) in &self.links {
            if programs.iter().any(|program| program.name == *name) {
                continue;
            }
            let info = self.object.program(name)?.info()?;
            programs.push(AttachedProgram {
                name: (*name).to_owned(),
                attach: link.how(),
                verified_insns: info.verified_insns,
                jited_bytes: info.jited_bytes,
            });
        }
        Ok(programs)
    }

    /// Hands every record that is there to `each`, oldest first; never waits.
    ///
    /// # Errors
    /// A ring buffer that is not as the kernel writes it.
    pub fn consume(&mut self, each: impl FnMut(&[u8])) -> Result<usize> {
        let records = self.ring.consume(each)?;
        self.received += records as u64;
        Ok(records)
    }

    /// Waits until there is a record: `false` when `timeout` was over first.
    ///
    /// # Errors
    /// What epoll says.
    pub fn poll(&mut self, timeout: Option<Duration>) -> Result<bool> {
        self.ring.poll(timeout)
    }

    /// What was sent, received and lost since the sensors were loaded.
    ///
    /// # Errors
    /// What the kernel says when it is asked.
    pub fn account(&self) -> Result<Account> {
        let mut account = account::of_maps(self.object.map("lanes")?, self.object.map("losses")?)?;
        account.received = self.received;
        // A run that a kprobe misses may count with its link and with its
        // program, which several links can share.
        let mut missed_by_links = BTreeMap::<_, u64>::new();
        for (name, link) in &self.links {
            *missed_by_links.entry(name).or_default() += link.missed()?.unwrap_or(0);
        }
        for (name, missed) in missed_by_links {
            let recursion = self.object.program(name)?.info()?.recursion_misses;
            account.add_missed(missed.max(recursion.unwrap_or(0)));
        }
        Ok(account)
    }

    /// The maps and programs themselves, for those who want to look closer.
    pub fn object(&self) -> &Object {
        &self.object
    }
}

/// The process sensors, sized for this machine, with no program chosen yet.
fn process_spec(cpus: u32, options: &Options) -> Result<ObjectSpec> {
    let mut spec = ObjectSpec::parse("process.bpf.o", objects::PROCESS)?;
    let slots = cpus.saturating_mul(EXIT_SLOTS_PER_CPU).max(EXIT_SLOTS);
    let slots = slots.checked_next_power_of_two().unwrap_or(1 << 31);
    for program in &mut spec.programs {
        program.kind.autoload = false;
    }
    // As the object has them for one CPU.
    spec.map_mut("lanes")?.max_entries *= cpus;
    spec.map_mut("losses")?.max_entries *= cpus;
    spec.map_mut("exit_slots")?.max_entries = slots;
    spec.map_mut("exit_slot_owners")?.max_entries = slots;
    spec.map_mut("events")?.max_entries = options.ring_bytes;
    spec.set_global("exit_slot_mask", &(slots - 1).to_ne_bytes())?;
    Ok(spec)
}

type Links = Vec<(&'static str, Link)>;

/// Attaches a hook in the first flavour that this kernel takes.
fn attach(object: &mut Object, hook: &Hook, flavour: Flavour) -> Result<Links> {
    let fentry = match flavour {
        Flavour::Fentry => Some(attach_fentry(object, hook)),
        Flavour::Kprobe => None,
    };
    let fentry = match fentry {
        Some(Ok(links)) => return Ok(links),
        Some(Err(error)) => Some(error),
        None => None,
    };
    attach_kprobes(object, hook).or_else(|error| {
        if !hook.required && error.kind() == ErrorKind::NotFound {
            return Ok(Links::new());
        }
        Err(match fentry {
            Some(fentry) => error.context(format!("not by fentry: {fentry:#}")),
            None => error,
        })
    })
}

fn attach_fentry(object: &mut Object, hook: &Hook) -> Result<Links> {
    let attached = |name: &&'static str| Ok((*name, object.try_program(name)?.attach()?));
    hook.fentry.iter().map(attached).collect()
}

fn attach_kprobes(object: &mut Object, hook: &Hook) -> Result<Links> {
    let mut links = Links::new();
    for name in hook.kprobe {
        let entry = object.attach_first(&[name])?.link;
        if let Some(kretprobe) = hook.kretprobe {
            let AttachSpec::Kprobe { func, .. } = object.program(name)?.attach_spec().clone()
            else {
                return Err(Error::invalid_input(format!("program {name} is no kprobe")));
            };
            let program = object.load_program(kretprobe)?;
            let on_return = KprobeOptions {
                on_return: true,
                ..KprobeOptions::default()
            };
            links.push((kretprobe, program.attach_kprobe(&func, &on_return)?));
        }
        links.push((name, entry));
    }
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_and_programs_of_the_object_are_the_same() {
        let spec = ObjectSpec::parse("process.bpf.o", objects::PROCESS).unwrap();
        let mut compiled: Vec<_> = spec.programs.iter().map(|program| &*program.name).collect();
        let programs = |hook: &Hook| {
            let shared: Vec<_> = hook.kretprobe.into_iter().collect();
            [hook.fentry, hook.kprobe, &*shared].concat()
        };
        let mut hooked: Vec<_> = hooks::PROCESS.iter().flat_map(programs).collect();
        compiled.sort_unstable();
        hooked.sort_unstable();
        hooked.dedup();
        assert_eq!(hooked, compiled);
    }

    #[test]
    fn maps_are_sized_by_the_cpus() {
        let mut spec = process_spec(32, &Options::default()).unwrap();
        assert_eq!(spec.map_mut("lanes").unwrap().max_entries, 64);
        assert_eq!(spec.map_mut("losses").unwrap().max_entries, 32);
        assert_eq!(spec.map_mut("exit_slots").unwrap().max_entries, 128);
        assert_eq!(spec.global("exit_slot_mask").unwrap(), 127u32.to_ne_bytes());
    }
}
