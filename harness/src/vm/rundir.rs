//! One boot's temporary folder, and the sockets that vmtest puts beside it.
//!
//! A folder's name says which process made it, so that a later run can tell
//! what a killed one left behind.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::host;

const PREFIX: &str = "trapline-vm.";
/// Starts QEMU in such a way that it dies with the harness.
const SUPERVISOR: &str = "harness/src/vm/qemu.sh";

/// A folder that goes when this value goes.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Makes a folder for one boot with this QEMU and, the first time in this
    /// process, removes what killed runs left.
    ///
    /// # Errors
    /// The error of creating a file or folder in the temporary folder.
    pub fn create(qemu: &Path) -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let base = std::env::temp_dir();
        SWEPT.call_once(|| sweep(&base));
        let pid = std::process::id();
        let path = base.join(format!(
            "{PREFIX}{pid}.{}.{}",
            start_of(pid).unwrap_or(0),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let run = Self { path };
        fs::create_dir(run.shared())?;
        // vmtest writes an init script, which nothing runs, to the guest's
        // temporary folder, and takes that to be called like the host's.
        let mut guest_tmp = run.rootfs().into_os_string();
        guest_tmp.push(&base);
        fs::create_dir_all(guest_tmp)?;
        fs::write(run.path.join("owner"), format!("{pid}\n"))?;
        symlink(qemu, run.path.join("program"))?;
        symlink(host::workspace_root().join(SUPERVISOR), run.command())?;
        Ok(run)
    }

    /// What vmtest starts as QEMU.
    #[must_use]
    pub fn command(&self) -> PathBuf {
        self.path.join("qemu")
    }

    /// The folder that vmtest exports as the guest's root; the guest never
    /// mounts it.
    #[must_use]
    pub fn rootfs(&self) -> PathBuf {
        self.path.join("rootfs")
    }

    /// The folder that vmtest shares with the guest; the guest never mounts it.
    #[must_use]
    pub fn shared(&self) -> PathBuf {
        self.path.join("shared")
    }

    /// This boot's initramfs.
    #[must_use]
    pub fn initramfs(&self) -> PathBuf {
        self.path.join("initramfs.cpio")
    }

    /// Keeps from the guest whatever would make its instruction counts differ
    /// between runs.
    ///
    /// # Errors
    /// The error of creating a file.
    pub fn make_exact(&self) -> io::Result<()> {
        fs::write(self.path.join("exact"), b"")
    }

    /// The last lines that QEMU itself complained in.
    #[must_use]
    pub fn complaints(&self) -> String {
        let bytes = fs::read(self.path.join("stderr")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(3)..].join("; ")
    }

    /// QEMU's process, once it has been started.
    #[must_use]
    pub fn process(&self) -> Option<Process> {
        let pid = fs::read_to_string(self.path.join("pid")).ok()?;
        let pid = Pid::from_raw(pid.trim().parse().ok()?)?;
        Some(Process(pidfd_open(pid, PidfdFlags::empty()).ok()?))
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// A process that is this process even after its number is used again.
#[derive(Debug)]
pub struct Process(rustix::fd::OwnedFd);

impl Process {
    /// Ends it, if it has not ended yet.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(&self.0, Signal::KILL);
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(poll(&mut fds, Some(&now)), Ok(ready) if ready > 0)
    }
}

/// Removes the folders of this user's dead processes.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    let me = rustix::process::getuid().as_raw();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(owner) = owner_in(&name) else {
            continue;
        };
        let mine = entry
            .metadata()
            .is_ok_and(|meta| meta.is_dir() && meta.uid() == me);
        if mine && start_of(owner.0) != Some(owner.1) {
            remove(&entry.path());
        }
    }
}

/// Reads `trapline-vm.PID.START.NUMBER`.
fn owner_in(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('.');
    let owner = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next()?.parse::<u32>().ok()?;
    parts.next().is_none().then_some(owner)
}

/// When a process started, in clock ticks since boot: with its number, that is
/// the process and not a later one of the same number.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces; start time is field 22.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Removes a run's folder and the sockets that its QEMU was told to make.
fn remove(path: &Path) {
    let args = fs::read_to_string(path.join("args")).unwrap_or_default();
    for socket in args.lines().filter_map(socket_in) {
        let _ = fs::remove_file(socket);
    }
    let _ = fs::remove_dir_all(path);
}

/// The socket in `socket,path=P.sock,server=on,…` or `unix:P.sock,server=on,…`.
fn socket_in(argument: &str) -> Option<&Path> {
    let path = argument
        .strip_prefix("socket,path=")
        .or_else(|| argument.strip_prefix("unix:"))?;
    let (path, _) = path.split_once(",server=")?;
    path.ends_with(".sock").then_some(Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_named_by_us_have_an_owner() {
        assert_eq!(owner_in("trapline-vm.12.345.0"), Some((12, 345)));
        for name in [
            "trapline-vm.12",
            "trapline-vm.a.1.1",
            "x.12.345.0",
            "trapline-vm.1.2.3.4",
        ] {
            assert_eq!(owner_in(name), None, "{name}");
        }
    }

    #[test]
    fn a_dead_process_has_no_start_and_this_one_has() {
        assert!(start_of(std::process::id()).is_some());
        assert_eq!(start_of(u32::MAX), None);
    }

    #[test]
    fn what_a_dead_process_left_is_swept_and_what_a_live_one_has_is_not() {
        let base = std::env::temp_dir().join(format!("trapline-sweep-{}", std::process::id()));
        let pid = std::process::id();
        let start = start_of(pid).expect("this process runs");
        let live = base.join(format!("{PREFIX}{pid}.{start}.0"));
        let dead = base.join(format!("{PREFIX}{pid}.{}.0", start + 1));
        for folder in [&live, &dead] {
            fs::create_dir_all(folder).expect("a folder");
        }
        let socket = base.join("qga-1.sock");
        fs::write(&socket, b"").expect("a file in the socket's place");
        let args = format!(
            "-qmp\nsocket,path={},server=on,wait=off\n",
            socket.display()
        );
        fs::write(dead.join("args"), args).expect("the arguments");
        sweep(&base);
        assert!(live.exists() && !dead.exists() && !socket.exists());
        fs::remove_dir_all(&base).expect("remove the folder");
    }
}
