//! Families of sensors: which object each is, how it is sized for a machine and
//! told about its kernel, and which hooks it has.

use std::os::unix::fs::MetadataExt;

use trapline_loader::btf::Kind;
use trapline_loader::error::ResultExt;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

use crate::hooks::{self, Argument, Hook};
use crate::objects;
use crate::sensors::Options;

/// What belongs together: one object, loaded or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// fork, exec, exit.
    Process,
    /// Names that come, move and go, contents that are read and change.
    File,
    /// Mounts that are made, moved, changed and taken away.
    Mount,
    /// Sockets: what they connect to and wait for, send and receive.
    Network,
}

/// Slots for exits on their way, for each CPU and at least; see c/exit.bpf.h.
const EXIT_SLOTS_PER_CPU: u32 = 4;
const EXIT_SLOTS: u32 = 64;

impl Family {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Process, Self::File, Self::Mount, Self::Network];

    /// `process`, `file`, `mount` or `network`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::File => "file",
            Self::Mount => "mount",
            Self::Network => "network",
        }
    }

    /// Its hooks, in the order in which they are attached.
    pub(crate) fn hooks(self) -> &'static [Hook] {
        match self {
            Self::Process => hooks::PROCESS,
            Self::File => hooks::FILE,
            Self::Mount => hooks::MOUNT,
            Self::Network => hooks::NETWORK,
        }
    }

    /// All its programs, in both flavours.
    pub(crate) fn programs(self) -> impl Iterator<Item = &'static str> {
        self.hooks().iter().flat_map(Hook::programs)
    }

    /// Which arguments its programs look for.
    pub(crate) fn arguments(self) -> &'static [Argument] {
        match self {
            Self::Process | Self::Mount => &[],
            Self::File => hooks::FILE_ARGUMENTS,
            Self::Network => hooks::NETWORK_ARGUMENTS,
        }
    }

    pub(crate) fn object(self) -> objects::Packed {
        match self {
            Self::Process => objects::PROCESS,
            Self::File => objects::FILE,
            Self::Mount => objects::MOUNT,
            Self::Network => objects::NETWORK,
        }
    }

    /// Its object with these programs, none of which loads by itself, sized for a machine
    /// of so many CPUs and told where the kernel has the arguments it needs.
    pub(crate) fn spec(
        self,
        programs: &[&str],
        cpus: u32,
        options: &Options,
        kernel: &mut KernelBtf,
    ) -> Result<ObjectSpec> {
        let unpacked = self.object().unpack()?;
        self.spec_of(&unpacked, programs, cpus, options, kernel)
    }

    /// The same for who has unpacked the object already.
    pub(crate) fn spec_of(
        self,
        unpacked: &[u8],
        programs: &[&str],
        cpus: u32,
        options: &Options,
        kernel: &mut KernelBtf,
    ) -> Result<ObjectSpec> {
        let name = format!("{}.bpf.o", self.name());
        let wanted = |name: &str| programs.contains(&name);
        let mut spec = ObjectSpec::parse_programs(&name, unpacked, wanted)?;
        for program in &mut spec.programs {
            program.kind.autoload = false;
        }
        // As the object has them for one CPU.
        spec.map_mut("lanes")?.max_entries *= cpus;
        spec.map_mut("losses")?.max_entries *= cpus;
        options.transport.apply(&mut spec, options, cpus)?;
        let (wake_bytes, nearly_full_bytes) = wake_marks(options);
        spec.set_global("wake_bytes", &wake_bytes.to_ne_bytes())?;
        spec.set_global("nearly_full_bytes", &nearly_full_bytes.to_ne_bytes())?;
        let slots = cpus.saturating_mul(EXIT_SLOTS_PER_CPU).max(EXIT_SLOTS);
        let slots = slots.checked_next_power_of_two().unwrap_or(1 << 31);
        spec.map_mut("exit_slots")?.max_entries = slots;
        spec.map_mut("exit_slot_owners")?.max_entries = slots;
        spec.set_global("exit_slot_mask", &(slots - 1).to_ne_bytes())?;
        spec.set_global("host_mnt_ns", &own_mount_namespace()?.to_ne_bytes())?;
        match self {
            Self::Process => {}
            Self::File => {
                options.file.apply_filters(&mut spec)?;
                options.file.apply(&mut spec)?;
            }
            Self::Mount => options.file.apply_filters(&mut spec)?,
            Self::Network => {
                options.file.apply_excluded(&mut spec)?;
                options.network.apply(&mut spec)?;
            }
        }
        set_arguments(&mut spec, self.arguments(), kernel)?;
        Ok(spec)
    }
}

/// After how many bytes the reader is woken, and from how many on by every
/// record. An eighth of the ring is left then: for what comes until it runs.
fn wake_marks(options: &Options) -> (u64, u64) {
    let ring_bytes = u64::from(options.ring_bytes);
    let wake_bytes = u64::from(options.wake_bytes).max(1).next_power_of_two();
    let wake_bytes = wake_bytes.min((ring_bytes / 8).max(1));
    (wake_bytes, ring_bytes - ring_bytes / 8)
}

/// Inode number of the mount namespace that this process is in.
fn own_mount_namespace() -> Result<u32> {
    let path = "/proc/self/ns/mnt";
    let number = std::fs::metadata(path).map(|metadata| metadata.ino());
    let number = number.map_err(|error| {
        Error::not_found(format!(
            "own mount namespace: {path}: {error}: is /proc mounted?"
        ))
    })?;
    u32::try_from(number)
        .map_err(|_| Error::malformed(format!("own mount namespace: {path}: inode {number}")))
}

/// Tells the object where the running kernel's functions have their arguments.
/// One that is missing is left: its hook then says so.
fn set_arguments(
    spec: &mut ObjectSpec,
    arguments: &[Argument],
    kernel: &mut KernelBtf,
) -> Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    let target = kernel.target()?;
    let functions: Vec<_> = arguments
        .iter()
        .map(|argument| (Kind::Func, argument.function))
        .collect();
    // One scan for all; each is then remembered.
    target.find(&functions)?;
    for Argument {
        function,
        parameter,
    } in arguments
    {
        let Some(prototype) = target.prototype(function)? else {
            continue;
        };
        let mut set = |name: &str, position: usize| {
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            spec.set_global(&format!("{function}__{name}"), &position.to_ne_bytes())
        };
        if let Some(position) = prototype.position(parameter) {
            set(parameter, position)?;
        }
        set("result", prototype.parameters.len())
            .with_context(|| format!("function {function}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_and_programs_of_each_object_are_the_same() {
        for family in Family::ALL {
            let spec =
                ObjectSpec::parse(family.name(), &family.object().unpack().unwrap()).unwrap();
            let mut compiled: Vec<_> = spec.programs.iter().map(|program| &*program.name).collect();
            let mut hooked: Vec<_> = family.programs().collect();
            compiled.sort_unstable();
            hooked.sort_unstable();
            hooked.dedup();
            assert_eq!(hooked, compiled, "{}", family.name());
        }
    }

    #[test]
    fn only_programs_that_are_asked_for_are_in_memory_and_all_maps() {
        let mut kernel = KernelBtf::from_file("/nonexistent");
        let of = |programs: &[&str], kernel: &mut KernelBtf| {
            Family::Process.spec(programs, 1, &Options::default(), kernel)
        };
        let one = of(&["fork_fentry"], &mut kernel).unwrap();
        let names: Vec<_> = one.programs.iter().map(|program| &*program.name).collect();
        assert_eq!(names, ["fork_fentry"]);
        let all: Vec<_> = Family::Process.programs().collect();
        let all = of(&all, &mut kernel).unwrap();
        assert!(all.programs.len() > 1);
        let maps = |spec: &ObjectSpec| -> Vec<String> {
            spec.maps.iter().map(|map| map.name.clone()).collect()
        };
        assert_eq!(maps(&one), maps(&all));
    }

    #[test]
    fn maps_are_sized_by_the_cpus() {
        let mut kernel = KernelBtf::from_file("/nonexistent");
        let spec = Family::Process.spec(&[], 32, &Options::default(), &mut kernel);
        let mut spec = spec.unwrap();
        assert_eq!(spec.map_mut("lanes").unwrap().max_entries, 64);
        assert_eq!(spec.map_mut("losses").unwrap().max_entries, 32);
        assert_eq!(spec.map_mut("exit_slots").unwrap().max_entries, 128);
        assert_eq!(spec.global("exit_slot_mask").unwrap(), 127u32.to_ne_bytes());
    }

    #[test]
    fn a_reader_is_woken_before_the_ring_is_full() {
        let marks = |ring_bytes, wake_bytes| {
            wake_marks(&Options {
                ring_bytes,
                wake_bytes,
                ..Options::default()
            })
        };
        assert_eq!(marks(4 << 20, 256 << 10), (256 << 10, 7 << 19));
        assert_eq!(marks(4 << 20, 100_000), (128 << 10, 7 << 19));
        assert_eq!(marks(4096, 256 << 10), (512, 3584));
        assert_eq!(marks(4096, 0), (1, 3584));
    }

    #[test]
    fn arguments_are_where_each_kernel_has_them() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vm-images/btf");
        for (series, dentry, result) in [("5.10", 1, 3), ("6.1", 2, 4), ("7.3", 2, 4)] {
            let mut kernel = KernelBtf::from_file(format!("{folder}/{series}.btf"));
            let spec = Family::File
                .spec(&[], 1, &Options::default(), &mut kernel)
                .unwrap();
            let global = |name| spec.global(name).unwrap();
            assert_eq!(
                global("vfs_unlink__dentry"),
                u32::to_ne_bytes(dentry),
                "{series}"
            );
            assert_eq!(
                global("vfs_unlink__result"),
                u32::to_ne_bytes(result),
                "{series}"
            );
        }
    }
}
