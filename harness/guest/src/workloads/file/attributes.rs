//! Permissions, owners, times and extended attributes.

use std::ffi::CStr;
use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, chown, fchown, lchown, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::mounts;
use super::told::{Stat, Told};
use crate::sys::file;
use crate::sys::process::Ended;
use crate::sys::space;
use crate::workloads::failure::{Outcome, Tried, ensure};
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// A file, a link to it, and the folder of both shown at two other places, one of them read-only.
pub fn shown_twice(scene: &Scene) -> Outcome {
    scene.file("first", b"one", 0o644)?;
    symlink("first", scene.path("link")).tried("symlink")?;
    mounts::fresh_bound("bound", &scene.folder)?;
    mounts::fresh_read_only("bound_read_only", &scene.folder).map(drop)
}

/// It was done to what now has this path.
pub(super) fn changed(how: &str, path: &Path) -> Outcome<Told> {
    let told = Told::new("file_attributes", path)?.how(how);
    Ok(told.stat(Stat::of(path)?))
}

/// By path, by descriptor and through another mount; refused for want of a right or a place.
pub fn permissions(scene: &Scene) -> Outcome {
    let (path, bound) = (scene.path("first"), mounts::place("bound").join("first"));
    let mode = |bits| Permissions::from_mode(bits);
    fs::set_permissions(&path, mode(0o4711)).tried("chmod")?;
    changed("chmod", &path)?.detail(0o4711).say()?;
    let file = File::open(&path).tried("open")?;
    file.set_permissions(mode(0o600)).tried("fchmod")?;
    changed("chmod", &path)?.detail(0o600).say()?;
    fs::set_permissions(&bound, mode(0o644)).tried("chmod")?;
    changed("chmod", &bound)?.detail(0o644).say()?;
    let read_only = mounts::place("bound_read_only").join("first");
    let refused = fs::set_permissions(&read_only, mode(0o666));
    changed("chmod", &read_only)?
        .detail(0o666)
        .fails(refused)?
        .say()?;
    as_somebody(|| {
        let refused = fs::set_permissions(&path, mode(0o777));
        changed("chmod", &path)?.detail(0o777).fails(refused)?.say()
    })
}

/// Of a file by path and descriptor, and of a link itself.
pub fn owners(scene: &Scene) -> Outcome {
    let (path, link) = (scene.path("first"), scene.path("link"));
    chown(&path, Some(1001), Some(2001)).tried("chown")?;
    changed("chown", &path)?.say()?;
    let file = File::open(&path).tried("open")?;
    fchown(&file, None, Some(2002)).tried("fchown")?;
    changed("chown", &path)?.say()?;
    lchown(&link, Some(1003), None).tried("lchown")?;
    changed("chown", &link)?.say()?;
    as_somebody(|| {
        let refused = chown(&path, Some(1004), None);
        changed("chown", &path)?.fails(refused)?.say()
    })
}

/// Of a file by path and descriptor, and of a link itself.
pub fn times(scene: &Scene) -> Outcome {
    let (path, link) = (scene.path("first"), scene.path("link"));
    for touched in [&path, &link] {
        file::touch(touched).tried("utimensat")?;
        changed("utimes", touched)?.say()?;
    }
    let file = File::options().write(true).open(&path).tried("open")?;
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let times = FileTimes::new().set_modified(long_ago);
    file.set_times(times).tried("futimens")?;
    changed("utimes", &path)?.say()?;
    as_somebody(|| {
        let refused = file::touch(&path);
        changed("utimes", &path)?.fails(refused)?.say()
    })
}

const ONE: &CStr = c"trusted.one";

/// Set and removed by path and descriptor, of a link itself and through another mount; refused.
pub fn extended(scene: &Scene) -> Outcome {
    let (path, link) = (scene.path("first"), scene.path("link"));
    let bound = mounts::place("bound").join("first");
    let open = File::open(&path).tried("open")?;
    let done = |how: &str, path: &Path, result: io::Result<()>| -> Outcome {
        result.tried(format_args!("{how} {}", path.display()))?;
        changed(how, path)?.target("trusted.one").say()
    };
    done("setxattr", &path, file::set_xattr(&path, ONE, b"value"))?;
    done("removexattr", &path, file::remove_xattr(&path, ONE))?;
    done(
        "setxattr",
        &path,
        file::set_xattr_of(open.as_fd(), ONE, b"other"),
    )?;
    done(
        "removexattr",
        &path,
        file::remove_xattr_of(open.as_fd(), ONE),
    )?;
    done("setxattr", &link, file::set_xattr(&link, ONE, b""))?;
    done("setxattr", &bound, file::set_xattr(&bound, ONE, b"x"))?;
    done("removexattr", &bound, file::remove_xattr(&bound, ONE))?;
    let missing = file::remove_xattr(&path, ONE);
    changed("removexattr", &path)?
        .target("trusted.one")
        .fails(missing)?
        .say()?;
    // Refused before anything is tried.
    let read_only = mounts::place("bound_read_only").join("first");
    let refused = file::set_xattr(&read_only, ONE, b"");
    ensure(refused.is_err(), || "read-only, and set".into())
}

/// Which are extended attributes of a name of their own, and change the permissions.
pub fn access_lists(scene: &Scene) -> Outcome {
    const NAME: &CStr = c"system.posix_acl_access";
    const VERSION: u32 = 2;
    const NOBODY: u32 = u32::MAX;
    let path = scene.path("first");
    let mut list = VERSION.to_le_bytes().to_vec();
    // Tag, permissions, id: owner, a user, group, mask, others.
    for (tag, bits, id) in [
        (0x01_u16, 6_u16, NOBODY),
        (0x02, 6, 1001),
        (0x04, 4, NOBODY),
        (0x10, 6, NOBODY),
        (0x20, 0, NOBODY),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend(bits.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    file::set_xattr(&path, NAME, &list).tried("set the list")?;
    changed("setxattr", &path)?
        .target("system.posix_acl_access")
        .say()?;
    file::remove_xattr(&path, NAME).tried("remove the list")?;
    changed("removexattr", &path)?
        .target("system.posix_acl_access")
        .say()
}

/// In a child that has no more rights than anybody.
fn as_somebody(mut act: impl FnMut() -> Outcome) -> Outcome {
    kit::start(Birth::Fork, &mut |_| {
        space::setresuid(1002, 1002, 1002).tried("setresuid")?;
        act()?;
        Ok(1)
    })?
    .ends(Ended::Exit(1))
}
