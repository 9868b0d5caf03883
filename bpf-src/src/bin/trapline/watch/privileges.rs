//! What we may do: enough to put the sensors in place, and hardly anything afterwards.
//!
//! Whoever gets into this process by what it reads, which others write, is to find a
//! user that owns nothing, without capabilities and with few system calls.

use std::fs;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, getegid, geteuid, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, Gid, Uid, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};
use trapline_loader::{Error, ErrorKind, Result};
use trapline_sensors::Sensors;

use super::output::say;

mod calls;
mod user;

use user::User;

/// What loading and attaching takes, for whoever is not root.
const TO_LOAD: CapabilitySet = CapabilitySet::BPF.union(CapabilitySet::PERFMON);
/// What it all was before Linux 5.8, and still stands for.
const ALL_OF_BPF: CapabilitySet = CapabilitySet::SYS_ADMIN;
/// The most that is kept.
const TO_READ: CapabilitySet = CapabilitySet::BPF;
/// Debian's kernels know a third level, which not even CAP_PERFMON passes.
const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";
const PARANOID_MOST: i32 = 2;
const UNPRIVILEGED: &str = "/proc/sys/kernel/unprivileged_bpf_disabled";

/// Options about what we may do.
#[derive(Clone, Debug, clap::Args)]
pub struct Wish {
    /// Who to be once the sensors are in place: by default the account trapline, or a
    /// number that nobody has. It has to be able to read the policy for SIGHUP to have
    /// it read again.
    #[arg(long, value_name = "NAME|UID", conflicts_with = "keep_privileges")]
    user: Option<String>,
    /// Stay who we are, with all capabilities and system calls.
    #[arg(long)]
    keep_privileges: bool,
}

/// What is given up when the sensors are in place.
#[derive(Debug)]
pub struct Privileges {
    /// Who to be then; `None` where we may not change that.
    user: Option<User>,
    is_kept: bool,
}

impl Privileges {
    /// Looks up what was asked for, while there is nothing to undo yet.
    ///
    /// # Errors
    /// A user that is not there, or that we may not become.
    pub fn new(wish: &Wish) -> Result<Self> {
        let may_change = CapabilitySet::SETUID | CapabilitySet::SETGID;
        let may_change = own()?.effective.contains(may_change);
        if !may_change && wish.user.is_some() {
            let cause = "--user: becoming another takes CAP_SETUID and CAP_SETGID";
            return Err(Error::new(ErrorKind::PermissionDenied, cause));
        }
        let changes = may_change && !wish.keep_privileges;
        let user = changes.then(|| User::find(wish.user.as_deref()));
        Ok(Self {
            user: user.transpose()?,
            is_kept: wish.keep_privileges,
        })
    }

    /// Gives up what is not needed from now on, for good, and says what is left.
    ///
    /// # Errors
    /// What the kernel says: half of it may be done, and the caller ends.
    pub fn give_up(&self, sensors: &Sensors) -> Result<()> {
        if self.is_kept {
            let (uid, left) = (geteuid().as_raw(), told(own()?.effective));
            say(&format!(
                "keeps its privileges: user {uid}, {left}, every system call"
            ));
            return Ok(());
        }
        is_one_thread()?;
        empty_bounding_set()?;
        // Not every kernel of those that have sets has this one.
        let _ = clear_ambient_capability_set();
        self.change_user()?;
        // Nobody who is us may look into us, or change us.
        set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|e| error("dumpable", e))?;
        let kept = keep_what_is_needed(sensors)?;
        set_no_new_privs(true).map_err(|e| error("no_new_privs", e))?;
        let is_filtered = calls::take_away()?;
        let user = match &self.user {
            Some(user) => user.told(),
            None => geteuid().as_raw().to_string(),
        };
        let calls = match is_filtered {
            true => format!("{} system calls allowed", calls::count()),
            false => "every system call: this kernel has no filter for them".to_owned(),
        };
        say(&format!("runs as user {user}, {}, {calls}", told(kept)));
        Ok(())
    }

    fn change_user(&self) -> Result<()> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
        set_keep_capabilities(true).map_err(|e| error("keeping capabilities", e))?;
        set_thread_groups(&[]).map_err(|e| error("leaving all groups", e))?;
        set_thread_res_gid(gid, gid, gid).map_err(|e| error("changing the group", e))?;
        set_thread_res_uid(uid, uid, uid).map_err(|e| error("changing the user", e))?;
        set_keep_capabilities(false).map_err(|e| error("keeping capabilities", e))?;
        match (geteuid(), getegid()) == (uid, gid) {
            true => Ok(()),
            false => Err(Error::invalid_input("the user has not changed")),
        }
    }
}

/// What loading lacked, where a lack of privileges may be why it failed.
pub fn explained(failed: Error) -> Error {
    if failed.kind() != ErrorKind::PermissionDenied {
        return failed;
    }
    let Ok(own) = own() else {
        return failed;
    };
    let lacking = lacking(own.effective);
    if !lacking.is_empty() {
        return failed.context(format!(
            "not enough privileges: {} missing; run it as root or with them",
            told(lacking)
        ));
    }
    let paranoid = fs::read_to_string(PARANOID).unwrap_or_default();
    let is_strict = paranoid
        .trim()
        .parse::<i32>()
        .is_ok_and(|level| level > PARANOID_MOST);
    match is_strict && !own.effective.contains(ALL_OF_BPF) {
        true => failed.context(
            "not enough privileges: some kernels want CAP_SYS_ADMIN for kprobes while sysctl \
             kernel.perf_event_paranoid is more than 2",
        ),
        false => failed,
    }
}

/// What is missing for loading.
fn lacking(has: CapabilitySet) -> CapabilitySet {
    match has.contains(ALL_OF_BPF) {
        true => CapabilitySet::empty(),
        false => TO_LOAD.difference(has),
    }
}

/// `CAP_BPF and CAP_PERFMON`, or `no capability`.
fn told(set: CapabilitySet) -> String {
    let names: Vec<String> = set
        .iter_names()
        .map(|(name, _)| format!("CAP_{name}"))
        .collect();
    match names.as_slice() {
        [] => "no capability".to_owned(),
        names if names.len() > 5 => format!("{} capabilities", names.len()),
        names => names.join(" and "),
    }
}

fn own() -> Result<CapabilitySets> {
    capabilities(None).map_err(|e| error("own capabilities", e))
}

/// The calls below change the calling thread alone.
fn is_one_thread() -> Result<()> {
    let folder = Path::new("/proc/self/task");
    let threads = fs::read_dir(folder).map_err(|error| Error::io(folder, &error))?;
    match threads.count() {
        1 => Ok(()),
        count => Err(Error::invalid_input(format!(
            "privileges are given up by one thread, and there are {count}"
        ))),
    }
}

/// Whatever is run from here on, if anything could be, gets nothing. Without
/// CAP_SETPCAP the set stays as it is; nothing can be run all the same.
fn empty_bounding_set() -> Result<()> {
    for one in CapabilitySet::all().iter() {
        // An older kernel does not know the newest.
        if !capability_is_in_bounding_set(one).unwrap_or(false) {
            continue;
        }
        match remove_capability_from_bounding_set(one) {
            Ok(()) => {}
            Err(Errno::PERM) => return Ok(()),
            Err(errno) => return Err(error("the bounding set", errno)),
        }
    }
    Ok(())
}

/// Keeps CAP_BPF where maps cannot be read without, and nothing else.
///
/// Kernel: since 5.19 (c8644cd0efe7) whoever has a map's descriptor may use it
fn keep_what_is_needed(sensors: &Sensors) -> Result<CapabilitySet> {
    let permitted = own()?.permitted & TO_READ;
    keep(CapabilitySet::empty(), permitted)?;
    if permitted.is_empty() {
        return Ok(permitted);
    }
    // Where nobody needs it now, somebody may decide later that all do.
    let may_change = fs::read_to_string(UNPRIVILEGED).map_or(true, |text| text.trim() == "0");
    let kept = match sensors.account() {
        Ok(_) if !may_change => CapabilitySet::empty(),
        Err(error) if error.kind() != ErrorKind::PermissionDenied => return Err(error),
        _ => permitted,
    };
    keep(kept, kept)?;
    Ok(kept)
}

fn keep(effective: CapabilitySet, permitted: CapabilitySet) -> Result<()> {
    let sets = CapabilitySets {
        effective,
        permitted,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).map_err(|e| error("giving up capabilities", e))
}

fn error(what: &str, errno: Errno) -> Error {
    let errno = std::io::Error::from(errno);
    Error::io(Path::new(what), &errno)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_for_loading_is_named() {
        let all = CapabilitySet::all();
        assert!(lacking(all).is_empty());
        assert!(lacking(CapabilitySet::SYS_ADMIN).is_empty());
        assert!(lacking(TO_LOAD).is_empty());
        assert_eq!(told(lacking(CapabilitySet::BPF)), "CAP_PERFMON");
        let none = CapabilitySet::NET_ADMIN;
        assert_eq!(told(lacking(none)), "CAP_PERFMON and CAP_BPF");
        assert_eq!(told(CapabilitySet::empty()), "no capability");
        assert_eq!(told(all), "41 capabilities");
    }

    #[test]
    fn only_a_lack_of_privileges_is_explained() {
        let other = explained(Error::not_found("a function"));
        assert_eq!(format!("{other:#}"), "a function");
    }
}
