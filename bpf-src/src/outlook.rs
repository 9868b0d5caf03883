//! What would become of each hook on the running kernel, without attaching anything.
//!
//! With the right to load programs each is loaded and unloaded again, as
//! [`Sensors::load`](crate::Sensors::load) would; without it, the kernel's types have to
//! do: they know which functions there are, and not what the verifier says.

use trapline_loader::btf::Kind;
use trapline_loader::feature;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{self, LoadOptions, Object};
use trapline_loader::program::Program;
use trapline_loader::spec::{AttachSpec, ObjectSpec};
use trapline_loader::{ErrorKind, Result};

use crate::family::Family;
use crate::hooks::Hook;
use crate::sensors::{Flavour, Options};

/// What would become of one hook.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outlook {
    /// What it belongs to.
    pub family: Family,
    /// What it watches: `fork`, `rename`, …
    pub hook: &'static str,
    /// How it would be attached.
    pub way: Way,
    /// Why not by fentry, where that is so; or what is known only from types.
    pub reason: Option<String>,
    /// Were its programs loaded to find out?
    pub is_tried: bool,
    /// Whether the sensors are fit for use without it.
    pub is_required: bool,
}

/// How a hook would be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// In this flavour.
    By(Flavour),
    /// Not at all, and nothing is missing: this kernel has no such function.
    Absent,
    /// Not at all.
    Impossible,
    /// It cannot be told: the kernel does not show its types, and nothing may be loaded.
    Unknown,
}

impl Way {
    /// `fentry`, `kprobe`, `absent`, `impossible` or `unknown`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::By(flavour) => flavour.name(),
            Self::Absent => "absent",
            Self::Impossible => "impossible",
            Self::Unknown => "unknown",
        }
    }
}

/// Just enough for a ring buffer: nothing is written to it.
const RING_BYTES: u32 = 64 << 10;

/// What would become of every hook of every family, in the order in which they are
/// attached. Takes as long as loading the sensors.
///
/// ```no_run
/// use trapline_loader::kernel_btf::KernelBtf;
/// use trapline_sensors::outlook;
///
/// # fn main() -> trapline_loader::Result<()> {
/// for hook in outlook(&mut KernelBtf::running())? {
///     let reason = hook.reason.unwrap_or_default();
///     println!("{} {}: {} {reason}", hook.family.name(), hook.hook, hook.way.name());
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// An object that cannot be taken apart, and a process without /proc; a kernel that
/// cannot have the sensors is no error.
pub fn outlook(kernel: &mut KernelBtf) -> Result<Vec<Outlook>> {
    if let Err(error) = kernel.target() {
        let unknown = Found::new(Way::Unknown).because(format!("{error:#}"));
        let of_family = |family: &Family| {
            let hooks = family.hooks().iter();
            let rows = hooks.map(|hook| unknown.clone().of(*family, hook));
            rows.collect::<Vec<_>>()
        };
        return Ok(Family::ALL.iter().flat_map(of_family).collect());
    }
    let options = Options {
        ring_bytes: RING_BYTES,
        ..Options::default()
    };
    // Every search goes through all of the kernel's types: what one of them remembers,
    // those of single families need not look for again.
    let arguments = Family::ALL.iter().flat_map(|family| family.arguments());
    let arguments = arguments.map(|argument| (Kind::Func, argument.function));
    kernel.target()?.find(&arguments.collect::<Vec<_>>())?;
    let specs = Family::ALL.iter().map(|family| {
        let programs: Vec<_> = family.programs().collect();
        family.spec(&programs, 1, &options, kernel)
    });
    let specs: Vec<ObjectSpec> = specs.collect::<Result<_>>()?;
    let may_load = feature::may_load_programs();
    if may_load {
        object::look_up(&specs, kernel)?;
    }
    let functions = Functions::of(&specs, kernel)?;
    let mut all = Vec::new();
    for (family, spec) in Family::ALL.iter().zip(specs) {
        let loaded = may_load.then(|| Object::load(spec, kernel, &LoadOptions::default()));
        let mut look: Box<dyn FnMut(&Hook) -> Found> = match loaded {
            Some(Ok(mut object)) => Box::new({
                let functions = &functions;
                move |hook| by_loading(hook, &mut object, functions)
            }),
            None => Box::new(|hook| by_types(hook, &functions)),
            Some(Err(error)) if error.kind() == ErrorKind::PermissionDenied => {
                Box::new(|hook| by_types(hook, &functions))
            }
            Some(Err(error)) => Box::new(move |_| {
                let impossible = Found::new(Way::Impossible);
                impossible.because(format!("{error:#}")).tried()
            }),
        };
        all.extend(
            family
                .hooks()
                .iter()
                .map(|hook| look(hook).of(*family, hook)),
        );
    }
    Ok(all)
}

/// What was found out about a hook.
#[derive(Clone)]
struct Found {
    way: Way,
    reason: Option<String>,
    is_tried: bool,
}

impl Found {
    fn new(way: Way) -> Self {
        Self {
            way,
            reason: None,
            is_tried: false,
        }
    }

    fn because(mut self, reason: String) -> Self {
        self.reason = Some(reason);
        self
    }

    fn tried(mut self) -> Self {
        self.is_tried = true;
        self
    }

    fn of(self, family: Family, hook: &Hook) -> Outlook {
        Outlook {
            family,
            hook: hook.name,
            way: self.way,
            reason: self.reason,
            is_tried: self.is_tried,
            is_required: hook.required,
        }
    }
}

/// The functions and tracepoints that objects' programs attach to, and whether the
/// kernel's types have them.
struct Functions {
    /// By the name of the program: what it attaches to, and whether that is there.
    programs: Vec<(String, String, bool)>,
    has_kprobes: bool,
}

impl Functions {
    fn of(specs: &[ObjectSpec], kernel: &mut KernelBtf) -> Result<Self> {
        let programs = specs.iter().flat_map(|spec| &spec.programs);
        let types = programs.filter_map(|program| {
            let (kind, name) = match &program.kind.attach {
                AttachSpec::Kprobe { func, .. } | AttachSpec::Kretprobe { func } => {
                    (Kind::Func, func.clone())
                }
                AttachSpec::RawTracepoint { name } => (Kind::Typedef, format!("btf_trace_{name}")),
                attach => attach.kernel_type()?,
            };
            // One that is attached to what others return from names no function.
            (!name.is_empty()).then_some((program.name.clone(), kind, name))
        });
        let types: Vec<_> = types.collect();
        let names: Vec<_> = types
            .iter()
            .map(|(_, kind, name)| (*kind, &**name))
            .collect();
        let found = kernel.target()?.find(&names)?;
        let programs = types.iter().zip(found);
        let programs = programs
            .map(|((program, _, name), ids)| (program.clone(), name.clone(), !ids.is_empty()));
        Ok(Self {
            programs: programs.collect(),
            has_kprobes: feature::has_kprobes(),
        })
    }

    /// The first that these programs need and the kernel does not have.
    fn missing(&self, programs: &[&str]) -> Option<&str> {
        let mut all = self.programs.iter();
        let missing = all.find(|(name, _, is_there)| !is_there && programs.contains(&&**name));
        missing.map(|(_, function, _)| &**function)
    }
}

/// What types alone say: where the functions are, fentry is likely.
fn by_types(hook: &Hook, functions: &Functions) -> Found {
    let Some(function) = functions.missing(hook.fentry) else {
        return Found::new(Way::By(Flavour::Fentry));
    };
    let reason = format!("the kernel's types have no {function}");
    let way = match (functions.missing(hook.kprobe), hook.required) {
        (None, _) if !functions.has_kprobes => Way::Impossible,
        (None, _) => Way::By(Flavour::Kprobe),
        (Some(_), false) => Way::Absent,
        (Some(_), true) => Way::Impossible,
    };
    Found::new(way).because(reason)
}

/// What the kernel says when it is given the programs.
fn by_loading(hook: &Hook, object: &mut Object, functions: &Functions) -> Found {
    if load_all(hook.fentry, object, Object::try_program).is_ok() {
        return Found::new(Way::By(Flavour::Fentry)).tried();
    }
    if functions.missing(hook.fentry).is_some() {
        // Nothing but kprobes is left to be tried, and mostly not even those.
        let found = by_types(hook, functions).tried();
        if found.way != Way::By(Flavour::Kprobe) {
            return found;
        }
    }
    // Once more, for the reason.
    let fentry = match load_all(hook.fentry, object, Object::load_program) {
        Ok(()) => return Found::new(Way::By(Flavour::Fentry)).tried(),
        Err(error) => format!("{error:#}"),
    };
    if !functions.has_kprobes {
        let both = format!("no kprobes (CONFIG_KPROBE_EVENTS); not by fentry: {fentry}");
        return Found::new(Way::Impossible).because(both).tried();
    }
    let mut kprobes = hook.kprobe.to_vec();
    kprobes.extend(hook.kretprobe);
    match load_all(&kprobes, object, Object::load_program) {
        Ok(()) => Found::new(Way::By(Flavour::Kprobe)).because(fentry).tried(),
        Err(error) => {
            let both = format!("{error:#}; not by fentry: {fentry}");
            Found::new(Way::Impossible).because(both).tried()
        }
    }
}

fn load_all(
    names: &[&str],
    object: &mut Object,
    load: for<'a> fn(&'a mut Object, &str) -> Result<&'a Program>,
) -> Result<()> {
    for name in names {
        load(object, name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
