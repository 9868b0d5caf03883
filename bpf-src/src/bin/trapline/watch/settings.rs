//! What was asked for: by the policy, and by the command line on top of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use trapline_loader::Result;
use trapline_sensors::Family;
use trapline_sensors::isolate::Rule;
use trapline_sensors::sensors::Options;

use super::exclude::Excluded;
use super::kinds;
use super::policy::{Environment, Mount, Policy, absolute};
use super::select::Wanted;

/// Options that choose events.
#[derive(Clone, Debug, clap::Args)]
pub struct Choice {
    /// A policy file; examples and explanations: policy/example.toml. SIGHUP has it read
    /// again.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Load the sensors of these families alone: process, file, mount, network.
    #[arg(long, value_name = "FAMILY", value_delimiter = ',', value_parser = kinds::family)]
    family: Vec<Family>,
    /// Tell these kinds of events alone, such as exec,file_create,connect.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kinds::kind)]
    kind: Vec<&'static str>,
    /// Tell what this process does, and all that come of it.
    #[arg(long, value_name = "PID")]
    tree: Vec<u32>,
    /// Tell what happens to this path or below it, and what programs there are run.
    #[arg(long, value_name = "PATH", value_parser = absolute)]
    path: Vec<String>,
    /// Tell what this real or effective user does.
    #[arg(long, value_name = "UID")]
    uid: Vec<u32>,
    /// Tell what happens in this control group or below it: its path, or a part of its
    /// name, such as a container's id.
    #[arg(long, value_name = "CGROUP", visible_alias = "container")]
    cgroup: Vec<String>,
    /// Tell of sockets with such an address at one of their ends: CIDR[:PORT/PROTO].
    #[arg(long, value_name = "CIDR[:PORT/PROTO]")]
    address: Vec<Rule>,
    /// Do not tell what this process does.
    #[arg(long, value_name = "PID")]
    exclude_pid: Vec<u32>,
    /// Do not tell what processes do that run this program.
    #[arg(long, value_name = "PATH", value_parser = absolute)]
    exclude_exe: Vec<String>,
    /// Nor what those do that come of the ones excluded.
    #[arg(long)]
    exclude_descendants: bool,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub wanted: Wanted,
    pub excluded: Excluded,
    pub environment: Environment,
    pub mounts: Vec<Mount>,
    pub at_start: AtStart,
}

/// What is decided when the sensors are loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtStart {
    pub families: Vec<Family>,
    ring_bytes: u32,
    wake_bytes: u32,
    touch_window: Duration,
    touches: u32,
    payload_bytes: u32,
    loopback: bool,
}

impl Settings {
    /// Reads the policy, if there is one.
    ///
    /// # Errors
    /// See [`Policy::read`].
    pub fn read(choice: &Choice) -> Result<Self> {
        let policy = match &choice.policy {
            Some(path) => Policy::read(path)?,
            None => Policy::default(),
        };
        Ok(Self::of(choice, &policy))
    }

    fn of(choice: &Choice, policy: &Policy) -> Self {
        // Either is a choice of its own: kinds of the one and families of the other
        // would mean nothing together.
        let is_chosen = !choice.family.is_empty() || !choice.kind.is_empty();
        let (families, kinds) = match is_chosen {
            true => (&choice.family, &choice.kind),
            false => (&policy.families, &policy.kinds),
        };
        let wanted = Wanted {
            families: families.clone(),
            kinds: kinds.iter().copied().collect::<BTreeSet<_>>(),
            trees: choice.tree.clone(),
            paths: choice.path.clone(),
            uids: choice.uid.clone(),
            groups: choice.cgroup.clone(),
            addresses: choice.address.clone(),
        };
        let excluded = Excluded {
            pids: [&*choice.exclude_pid, &*policy.exclude_pids].concat(),
            exes: [&*choice.exclude_exe, &*policy.exclude_exes].concat(),
            descendants: choice.exclude_descendants || policy.exclude_descendants,
        };
        let default = Options::default();
        Self {
            at_start: AtStart {
                families: needed(&wanted, &excluded, &policy.mounts),
                ring_bytes: policy.ring_bytes.unwrap_or(default.ring_bytes),
                wake_bytes: policy.wake_bytes.unwrap_or(default.wake_bytes),
                touch_window: policy.touch_window.unwrap_or(default.file.touch_window),
                touches: policy.touches.unwrap_or(default.file.touches),
                payload_bytes: policy
                    .payload_bytes
                    .unwrap_or(default.network.payload_bytes),
                loopback: policy.loopback,
            },
            wanted,
            excluded,
            environment: policy.environment,
            mounts: policy.mounts.clone(),
        }
    }
}

/// The families that are told, and those without which nobody would know who comes of
/// whom, what a process runs, and what is mounted.
fn needed(wanted: &Wanted, excluded: &Excluded, mounts: &[Mount]) -> Vec<Family> {
    let told = wanted.families();
    let follows = !wanted.trees.is_empty() || !excluded.exes.is_empty() || excluded.descendants;
    let is_needed = |family: &Family| {
        told.contains(family)
            || *family == Family::Process && follows
            || *family == Family::Mount && !mounts.is_empty() && told.contains(&Family::File)
    };
    let all = Family::ALL.iter().copied();
    all.filter(is_needed).collect()
}

impl AtStart {
    /// For the sensors.
    pub fn options(&self) -> Options {
        let mut options = Options::default();
        // A handful, once, and for as long as we run.
        options.families = Vec::leak(self.families.clone());
        options.ring_bytes = self.ring_bytes;
        options.wake_bytes = self.wake_bytes;
        options.file.touch_window = self.touch_window;
        options.file.touches = self.touches;
        options.network.payload_bytes = self.payload_bytes;
        options.network.loopback = self.loopback;
        options
    }

    /// What of `other` would take another start.
    pub fn missing(&self, other: &Self) -> Vec<&'static str> {
        let has_families = other
            .families
            .iter()
            .all(|family| self.families.contains(family));
        let same = [
            ("families", has_families),
            ("rings.size_bytes", self.ring_bytes == other.ring_bytes),
            ("rings.wake_bytes", self.wake_bytes == other.wake_bytes),
            (
                "dedup.touch_window_ms",
                self.touch_window == other.touch_window,
            ),
            ("dedup.touches", self.touches == other.touches),
            (
                "capture.payload_bytes",
                self.payload_bytes == other.payload_bytes,
            ),
            ("capture.loopback", self.loopback == other.loopback),
        ];
        let missing = same.into_iter().filter(|(_, is_same)| !is_same);
        missing.map(|(name, _)| name).collect()
    }
}
