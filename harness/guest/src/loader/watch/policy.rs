//! The policy while it is in force: read again, and not where it has a mistake.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::FOLDER;
use super::running::{Watching, values};
use crate::loader::checks::Checks;
use crate::loader::stage::{Failure, Tried};
use crate::loader::trapline::trapline;
use crate::loader::{Outcome, Stage};
use crate::sys::{boot, mounts};

const POLICY: &str = "/tmp/watch-policy.toml";

pub(super) fn policy(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let mounted = format!("{FOLDER}/mounted");
    fs::create_dir_all(&mounted).tried(&mounted)?;
    boot::mount("tmpfs", &mounted, "tmpfs", "").tried("mount")?;
    write("families = [\"file\", \"mount\"]\nkinds = [\"file_create\"]\n")?;
    let words = ["--json", "--policy", POLICY, "--path", FOLDER];
    let mut watching = Watching::start(&words)?;
    both("first")?;
    // A mistake: the old one stays, and it is said where the mistake is.
    write("families = [\"file\", \"mount\"]\nkind = [\"file_delete\"]\n")?;
    watching.signal(libc::SIGHUP)?;
    watching.says("watch-policy.toml:2:1: there is no kind; there are families, kinds")?;
    both("second")?;
    // Another kind, a mount that is left out, and what takes another start.
    let more =
        format!("[mounts]\n\"{mounted}\" = \"not_monitored\"\n[rings]\nsize_bytes = 65536\n");
    write(&format!(
        "families = [\"file\", \"mount\"]\nkinds = [\"file_delete\"]\n{more}"
    ))?;
    watching.signal(libc::SIGHUP)?;
    watching.says("the policy was read again")?;
    watching.says("takes effect when trapline is started again: rings.size_bytes")?;
    both("third")?;
    both("mounted/fourth")?;
    fs::set_permissions(POLICY, Permissions::from_mode(0o666)).tried(POLICY)?;
    watching.signal(libc::SIGHUP)?;
    watching.says("everybody may write it")?;
    both("fifth")?;
    let said = watching.end(libc::SIGTERM)?.good()?;
    let told = values(&said.out)?.into_iter().filter_map(|line| {
        let path = line["path"].as_str()?.to_owned();
        let name = path.rsplit('/').next()?;
        Some(format!("{} {name}", line["kind"].as_str()?))
    });
    let told: Vec<String> = told.collect();
    let expected = [
        "file_create first",
        "file_create second",
        "file_delete third",
        "file_delete fifth",
    ];
    checks.equal("what is told", &told, &expected.map(str::to_owned).to_vec())?;
    for words in [
        &["watch", "--policy", POLICY][..],
        &["isolate", "--policy", POLICY],
    ] {
        let said = trapline(words)?;
        let is_refused = said.code == Some(1) && said.err.contains("everybody may write it");
        checks.holds(&format!("{words:?}: {}", said.err), is_refused)?;
    }
    let target = std::ffi::CString::new(mounted.as_str());
    let target = target.map_err(|error| Failure::other(&mounted, error))?;
    mounts::unmount(&target, 0).tried("umount")?;
    fs::remove_file(POLICY).tried(POLICY)?;
    Ok(checks.report("fentry"))
}

/// Whoever else may write it, or put another in its place, keeps it from being read.
pub(super) fn writable(_: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let folder = "/tmp/watch-writable";
    let path = format!("{folder}/policy.toml");
    fs::create_dir_all(folder).tried(folder)?;
    fs::write(&path, "kind = 7").tried(&path)?;
    let own = (0, 0o755, 0, 0o644);
    // A sticky folder is one where only owners may replace what is theirs.
    for ((owner, mode, file_owner, file_mode), why) in [
        (own, "policy.toml:1:1: there is no kind"),
        ((0, 0o1777, 0, 0o644), "policy.toml:1:1: there is no kind"),
        ((0, 0o755, 0, 0o646), "everybody may write it: chmod o-w"),
        ((0, 0o757, 0, 0o644), "everybody may replace it: chmod o-w"),
        ((0, 0o755, 1001, 0o644), "belongs to user 1001"),
        (
            (1001, 0o755, 0, 0o644),
            "user 1001, neither root nor us, may replace it",
        ),
    ] {
        for (place, owner, mode) in [(folder, owner, mode), (&path, file_owner, file_mode)] {
            std::os::unix::fs::chown(place, Some(owner), Some(0)).tried(place)?;
            fs::set_permissions(place, Permissions::from_mode(mode)).tried(place)?;
        }
        for command in ["watch", "isolate"] {
            let said = trapline(&[command, "--policy", &path])?;
            let is_refused = said.code == Some(1) && said.err.contains(why);
            checks.holds(&format!("{command}: {}", said.err), is_refused)?;
        }
    }
    fs::remove_dir_all(folder).tried(folder)?;
    Ok(checks.report("fentry"))
}

fn write(text: &str) -> Result<(), Failure> {
    fs::write(POLICY, text).tried(POLICY)
}

/// Creates a file and deletes it.
fn both(name: &str) -> Result<(), Failure> {
    let path = format!("{FOLDER}/{name}");
    File::create_new(&path).tried(&path)?;
    fs::remove_file(&path).tried(&path)
}
