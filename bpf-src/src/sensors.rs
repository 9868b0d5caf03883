//! The sensors in a running kernel: load, attach, read, account.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use trapline_loader::error::ResultExt;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::{Error, Result};

use crate::account;
use crate::family::Family;
use crate::flows::Flows;

mod end;
mod guard;
mod load;
mod transport;

use self::load::{Loaded, SHARED_MAPS};
use self::transport::Source;

pub use self::end::{RingFill, Runs};
pub(crate) use self::guard::Filter;
pub use self::transport::Transport;
pub use crate::account::{Account, CpuAccount};
pub use crate::filter::{Descendants, FileOptions, MountState, parents};
pub use crate::network::NetworkOptions;

/// How to hook into the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// fentry, fexit and BTF tracepoints; by kprobes only what this kernel
    /// refuses to have hooked so. The cheaper one.
    #[default]
    Fentry,
    /// kprobes and kretprobes only, but for what happens in interrupts, where the kernel
    /// leaves them out while another program runs: that is seen by a raw tracepoint.
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
    /// Through what records come.
    pub transport: Transport,
    /// Size of the ring buffer in bytes, or of each processor's perf buffer: a power of
    /// two, at least a page.
    pub ring_bytes: u32,
    /// How many bytes of records may gather before the reader is woken: rounded up to a
    /// power of two, and at most an eighth of the ring. A few records alone come by
    /// [`Sensors::poll`]'s own looks, ten times a second. 0 or 1: every record wakes.
    /// Of a ring buffer: perf buffers wake by each 32nd record of a processor.
    pub wake_bytes: u32,
    /// Which families to load.
    pub families: &'static [Family],
    /// Have [`AttachedProgram::verified_insns`] also before Linux 5.16; makes loading a
    /// little slower there.
    pub want_stats: bool,
    /// For the file family.
    pub file: FileOptions,
    /// For the network family.
    pub network: NetworkOptions,
}

impl Default for Options {
    /// All families; 4 MiB of ring: some 8,000 forks of usual size. The reader is woken
    /// by every 256 KiB: some 500 records, for which switching to it costs little by
    /// then; a ring that overflows before it runs would take fifteen times as many.
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            ring_bytes: 4 << 20,
            wake_bytes: 256 << 10,
            families: Family::ALL,
            want_stats: false,
            file: FileOptions::default(),
            network: NetworkOptions::default(),
        }
    }
}

/// What is known of an attached program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttachedProgram {
    /// Its name in C.
    pub name: String,
    /// What it belongs to.
    pub family: Family,
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
    families: Vec<Loaded>,
    source: Source,
    /// With the network family only.
    flows: Option<Flows>,
    received: u64,
    /// Of links that are detached.
    missed_until_detached: BTreeMap<&'static str, u64>,
    guard: guard::Guard,
}

/// How long records may wait that are too few to wake anybody.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// By the address of a task: what one hook leaves for the next.
const WAITING_MAPS: [&str; 10] = [
    "calls",
    "clones",
    "exec_calls",
    "execs",
    "mount_changes",
    "name_changes",
    "name_moves",
    "protection_changes",
    "socket_calls",
    "xattr_changes",
];

impl Sensors {
    /// Loads the sensors and attaches them.
    ///
    /// # Errors
    /// What a hook's last flavour failed with; nothing stays behind.
    pub fn load(flavour: Flavour, options: &Options) -> Result<Self> {
        Self::load_on(&mut KernelBtf::running(), flavour, options)
    }

    /// The same with types of the kernel that others use as well: what one has
    /// looked for, the next need not.
    ///
    /// # Errors
    /// As [`Sensors::load`].
    pub fn load_on(kernel: &mut KernelBtf, flavour: Flavour, options: &Options) -> Result<Self> {
        let mut families: Vec<Loaded> = Vec::new();
        for family in options.families {
            families.push(load::load(*family, &families, kernel, flavour, options)?);
        }
        guard::freeze(&families)?;
        let first = families
            .first()
            .ok_or_else(|| Error::invalid_input("no family of sensors was chosen"))?;
        let source = options.transport.open(first.map("events")?, options)?;
        let network = &options.network;
        let flows = options.families.contains(&Family::Network);
        let flows = flows.then(|| Flows::new(network.flow_idle, network.flow_look));
        Ok(Self {
            families,
            source,
            flows,
            received: 0,
            missed_until_detached: BTreeMap::new(),
            guard: guard::Guard::default(),
        })
    }

    /// The attached programs, each once, however often it is attached.
    ///
    /// # Errors
    /// What the kernel says when it is asked about one of them.
    pub fn programs(&self) -> Result<Vec<AttachedProgram>> {
        let mut programs: Vec<AttachedProgram> = Vec::new();
        for family in &self.families {
            for (name, link) in &family.links {
                if programs.iter().any(|program| program.name == *name) {
                    continue;
                }
                let info = family.program(name)?.info()?;
                programs.push(AttachedProgram {
                    name: (*name).to_owned(),
                    family: family.family,
                    attach: link.how(),
                    verified_insns: info.verified_insns,
                    jited_bytes: info.jited_bytes,
                });
            }
        }
        Ok(programs)
    }

    /// Hands every record that is there to `each`, oldest first, and returns how many
    /// there were; never waits. Behind those of the buffer come the ends of flows, see
    /// [`NetworkOptions::flow_look`].
    ///
    /// # Errors
    /// `Malformed` for a buffer that is not as the kernel writes it; what
    /// [`Sensors::look_at_flows`] ends with.
    pub fn consume(&mut self, mut each: impl FnMut(&[u8])) -> Result<usize> {
        let mut records = self.source.consume(&mut each)?;
        // Theirs as well, if looking fails: they will not come again.
        self.received += records as u64;
        let looked = self.look_if_due();
        if let Some(flows) = &mut self.flows {
            let ends = flows.hand_out(each);
            self.received += ends as u64;
            records += ends;
        }
        looked?;
        Ok(records)
    }

    /// Waits until there is a record: `false` when `timeout` was over first.
    ///
    /// Fewer than [`Options::wake_bytes`] wake nobody: they are found by looking,
    /// a tenth of a second after they came at the latest.
    ///
    /// # Errors
    /// What epoll says, and the kernel when it is asked about flows.
    pub fn poll(&mut self, timeout: Option<Duration>) -> Result<bool> {
        let started = Instant::now();
        loop {
            let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
            self.look_if_due()?;
            if self.flows.as_ref().is_some_and(Flows::is_pending) {
                return Ok(true);
            }
            let nap = left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY));
            if self.source.poll(Some(nap))? {
                return Ok(true);
            }
            if left.is_some_and(|left| left <= nap) {
                return Ok(false);
            }
        }
    }

    /// Looks now for flows of datagrams that have ended, for the next
    /// [`Sensors::consume`] to hand out: what that and [`Sensors::poll`] do by
    /// themselves after each [`NetworkOptions::flow_look`].
    ///
    /// # Errors
    /// `System` or `PermissionDenied` with what reading a map of flows or sockets ended with.
    pub fn look_at_flows(&mut self) -> Result<()> {
        let Some(mut flows) = self.flows.take() else {
            return Ok(());
        };
        let looked = self.loaded(Family::Network).and_then(|network| {
            flows
                .look(network.map("flows")?, network.map("sockets")?)
                .with_context(|| "flows of datagrams")
        });
        self.flows = Some(flows);
        looked
    }

    fn look_if_due(&mut self) -> Result<()> {
        match self.flows.as_ref().is_some_and(Flows::is_due) {
            true => self.look_at_flows(),
            false => Ok(()),
        }
    }

    /// What was sent, received and lost since the sensors were loaded.
    ///
    /// # Errors
    /// `System` or `PermissionDenied` with what reading a map or asking about a program or a
    /// link ended with; that a link is gone is no error, see [`Sensors::changes`].
    pub fn account(&self) -> Result<Account> {
        let first = self.families.first();
        let first = first.ok_or_else(|| Error::invalid_input("no family of sensors is loaded"))?;
        let mut account = account::of_maps(first.map("lanes")?, first.map("losses")?)?;
        account.received = self.received;
        account.sent += self.flows.as_ref().map_or(0, Flows::told);
        for family in &self.families {
            family.add_missed(&mut account)?;
        }
        for (name, runs) in &self.missed_until_detached {
            account.add_missed(name, *runs);
        }
        Ok(account)
    }

    /// What waits for a call to return or a task to go on, by map: how many
    /// entries each has. Nothing is left of a task that is gone.
    ///
    /// # Errors
    /// `System` or `PermissionDenied` with what reading a map ended with.
    pub fn waiting(&self) -> Result<BTreeMap<&'static str, usize>> {
        let mut waiting = BTreeMap::new();
        for name in WAITING_MAPS {
            for map in self
                .families
                .iter()
                .filter_map(|family| family.map(name).ok())
            {
                let mut entries = 0;
                for key in map.keys() {
                    key?;
                    entries += 1;
                }
                *waiting.entry(name).or_default() += entries;
            }
        }
        Ok(waiting)
    }

    /// One of the families.
    pub(crate) fn loaded(&self, family: Family) -> Result<&Loaded> {
        let mut families = self.families.iter();
        let loaded = families.find(|loaded| loaded.family == family);
        loaded.ok_or_else(|| {
            let name = family.name();
            Error::invalid_input(format!("the {name} sensors are not loaded"))
        })
    }
}
