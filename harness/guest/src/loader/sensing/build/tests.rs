//! What is made of logs as strace writes them.

use super::names::Kind;
use super::strace::{self, Call, Returned, Step, What};
use super::world::{Listed, Truth, truth};

/// What is there before: a folder with a file of two names, and a link to the folder.
fn listed() -> Vec<Listed> {
    let symlink = Kind::Symlink(b"/w".to_vec());
    let names = [
        ("/w", Kind::Folder, 1),
        ("/w/old", Kind::Regular, 2),
        ("/w/old2", Kind::Regular, 2),
        ("/l", symlink, 3),
        ("/proc", Kind::Untold, 4),
        ("/dev", Kind::Folder, 5),
        ("/dev/null", Kind::Other, 6),
    ];
    let listed = names.into_iter().map(|(path, kind, number)| Listed {
        path: path.as_bytes().to_vec(),
        kind,
        file: (0, number),
    });
    listed.collect()
}

pub(super) fn judged(log: &str) -> Result<Truth, String> {
    truth(&listed(), "/w", &strace::parse(log)?)
}

/// Each operation as a line, behind its pid.
fn said(log: &str) -> Vec<String> {
    let done = judged(log).expect(log).done;
    let lines = done
        .iter()
        .map(|it| format!("{} {}", it.tgid, it.operation));
    lines.collect()
}

/// Of process 7, which ends then.
fn alone(calls: &[&str]) -> Vec<String> {
    let lines = calls.iter().map(|call| format!("7 {call}\n"));
    said(&format!(
        "{}7 +++ exited with 0 +++\n",
        lines.collect::<String>()
    ))
}

/// A shell that has a program write to a file that it has opened, and takes it from there.
pub(super) const SHELL: &str = r#"7 execve("/bin/sh", ["sh"], 0x7ffc1 /* 1 vars */) = 0
7 openat(AT_FDCWD, "out", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3
7 fcntl(1, F_DUPFD, 10)             = 11
7 close(1)                          = 0
7 dup2(3, 1)                        = 1
7 close(3)                          = 0
7 vfork( <unfinished ...>
8 execve("/w/tool", ["tool"], 0x7ffc1 /* 1 vars */) = 0
8 write(1, "hello", 5)              = 5
8 write(1, "hello", 5)              = 5
8 openat(AT_FDCWD, "/l/old", O_RDONLY) = 3
8 read(3, "x", 4096)                = 1
8 read(3, "", 4096)                 = 0
8 exit_group(0)                     = ?
8 +++ exited with 0 +++
7 <... vfork resumed>)              = 8
7 --- SIGCHLD {si_signo=SIGCHLD} ---
7 dup2(11, 1)                       = 1
7 rename("out", "old")              = 0
7 mkdir("sub", 0777)                = 0
7 link("old", "sub/more")           = 0
7 rmdir("sub")                      = -1 ENOTEMPTY (Directory not empty)
7 rmdir("none")                     = -1 ENOENT (No such file or directory)
7 chmod("old", 0755)                = 0
7 unlink("old")                     = 0
7 unlink("sub/more")                = 0
7 unlink("old2")                    = 0
7 +++ exited with 0 +++
"#;

pub(super) const SAID: [&str; 12] = [
    "7 file_create open /w/out",
    "8 file_write /w/out",
    "8 file_read /w/old",
    "7 file_close_write /w/out",
    "7 file_rename /w/old, other /w/out [replaced]",
    "7 file_create mkdir /w/sub",
    "7 file_link /w/sub/more, other /w/old",
    "7 file_delete rmdir /w/sub, errno 39",
    "7 file_attributes chmod /w/old, detail 0o755",
    "7 file_delete unlink /w/old",
    "7 file_delete unlink /w/sub/more [last_link]",
    "7 file_delete unlink /w/old2 [last_link]",
];

#[test]
fn a_shells_calls_are_what_the_sensors_must_say() {
    assert_eq!(said(SHELL), SAID);
    assert_eq!(judged(SHELL).unwrap().processes, 2);
}

#[test]
fn opens_create_truncate_or_do_nothing() {
    let told = alone(&[
        r#"openat(AT_FDCWD, "new", O_RDWR|O_CREAT|O_EXCL, 0600) = 3"#,
        r#"openat(AT_FDCWD, "new", O_RDWR|O_CREAT|O_EXCL, 0600) = -1 EEXIST (File exists)"#,
        r#"creat("new", 0666) = 4"#,
        r#"open("/dev/null", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 5"#,
        r#"write(5, "x", 1) = 1"#,
        r#"openat(AT_FDCWD, "/proc/self/maps", O_RDONLY) = 6"#,
        r#"read(6, "x", 1) = 1"#,
        r#"openat2(AT_FDCWD, "new", {flags=O_WRONLY|O_TRUNC, resolve=0}, 24) = 7"#,
    ]);
    let expected = [
        "7 file_create open /w/new",
        "7 file_truncate /w/new",
        "7 file_truncate /w/new",
        "7 file_close_write /w/new",
        "7 file_close_write /w/new",
    ];
    assert_eq!(told, expected);
}

#[test]
fn every_route_of_bytes_is_a_touch_once() {
    let told = alone(&[
        r#"openat(AT_FDCWD, "old", O_RDONLY) = 3"#,
        r#"openat(AT_FDCWD, "to", O_WRONLY|O_CREAT, 0666) = 4"#,
        "ioctl(4, BTRFS_IOC_CLONE or FICLONE, 3) = -1 EOPNOTSUPP (Operation not supported)",
        "copy_file_range(3, NULL, 4, NULL, 4096, 0) = 12",
        "copy_file_range(3, NULL, 4, NULL, 4096, 0) = 0",
        "sendfile(4, 3, NULL, 4096) = 12",
        "ftruncate(4, 5) = 0",
        "fallocate(4, 0, 0, 5) = 0",
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 4, 0) = 0x7f0000000000",
        "close(4) = 0",
        r#"unlink("to") = 0"#,
        "munmap(0x7f0000000000, 4096) = 0",
    ]);
    let expected = [
        "7 file_create open /w/to",
        "7 file_read /w/old",
        "7 file_write /w/to",
        "7 file_truncate /w/to",
        "7 file_map /w/to [mapped], detail 0o3",
        "7 file_delete unlink /w/to [last_link, still_open]",
        "7 file_close_write /w/to (deleted) [mapped]",
    ];
    assert_eq!(told, expected);
}

#[test]
fn attributes_are_found_by_any_name() {
    let told = alone(&[
        r#"openat(AT_FDCWD, "/l/old", O_RDONLY|O_NOFOLLOW|O_PATH) = 4"#,
        r#"chmod("/proc/self/fd/4", 0700) = 0"#,
        r#"fchownat(4, "", 0, 0, AT_EMPTY_PATH) = 0"#,
        "utimensat(4, NULL, NULL, 0) = 0",
        "utimensat(4, NULL, [UTIME_OMIT, UTIME_OMIT], 0) = 0",
        r#"lchown("/l", 0, 0) = 0"#,
        r#"fsetxattr(4, "user.a", "x", 1, 0) = -1 EOPNOTSUPP (Operation not supported)"#,
        r#"lremovexattr("/l", "user.a") = 0"#,
        r#"chmod("none", 0700) = -1 ENOENT (No such file or directory)"#,
        r#"unlink("old") = 0"#,
        "fchmod(4, 0755) = 0",
        r#"chmod("/proc/self/fd/4", 0750) = 0"#,
    ]);
    let expected = [
        "7 file_attributes chmod /w/old, detail 0o700",
        "7 file_attributes chown /w/old",
        "7 file_attributes utimes /w/old",
        "7 file_attributes chown /l",
        "7 file_attributes setxattr /w/old, other user.a, errno 95",
        "7 file_attributes removexattr /l, other user.a",
        "7 file_delete unlink /w/old [still_open]",
        "7 file_attributes chmod /w/old (deleted), detail 0o755",
        "7 file_attributes chmod /w/old (deleted), detail 0o750",
    ];
    assert_eq!(told, expected);
}

#[test]
fn folders_are_gone_into_and_named_by_descriptors() {
    let told = alone(&[
        r#"mkdirat(AT_FDCWD, "a", 0777) = 0"#,
        r#"openat(AT_FDCWD, "a", O_RDONLY|O_DIRECTORY) = 3"#,
        r#"symlinkat("../old", 3, "s") = 0"#,
        r#"renameat2(3, "s", AT_FDCWD, "old", RENAME_NOREPLACE) = -1 EEXIST (File exists)"#,
        r#"renameat2(3, "s", AT_FDCWD, "old", RENAME_EXCHANGE) = 0"#,
        r#"rename("old2", "a/s") = 0"#,
        "fchdir(3) = 0",
        r#"mknodat(AT_FDCWD, "p", S_IFIFO|0600) = 0"#,
        r#"unlinkat(3, "p", 0) = 0"#,
        r#"rename("../a", "../b") = 0"#,
        r#"truncate("s", 3) = 0"#,
    ]);
    let expected = [
        "7 file_create mkdir /w/a",
        "7 file_create symlink /w/a/s, other ../old",
        "7 file_rename /w/old, other /w/a/s [exchanged], detail 0o2",
        // Two names of one file: nothing is done.
        "7 file_create mknod /w/a/p",
        "7 file_delete unlink /w/a/p [last_link]",
        "7 file_rename /w/b, other /w/a",
        "7 file_truncate /w/b/s",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_a_log_cannot_say_is_an_error() {
    for (call, why) in [
        (
            r#"openat(AT_FDCWD, "none", O_RDONLY) = 3"#,
            "what is not there",
        ),
        (r#"unlink("none") = 0"#, "what is not there"),
        (r#"mkdir("old", 0777) = 0"#, "creates what is there"),
        (
            r#"rmdir("old") = -1 EUCLEAN (Structure needs cleaning)"#,
            "EUCLEAN",
        ),
        (r#"chroot("/w") = 0"#, "paths begin elsewhere"),
        (
            r#"openat(AT_FDCWD, ".", O_TMPFILE|O_RDWR, 0600) = 3"#,
            "not known here",
        ),
    ] {
        let error = judged(&format!("7 {call}\n")).expect_err(call);
        assert!(error.contains("line 1") && error.contains(why), "{error}");
    }
    let error = judged("7 close(3) = 0\n8 close(3) = 0\n").unwrap_err();
    assert!(error.contains("nobody has made this process"), "{error}");
    let error = judged("7 close(3) = 0\n").unwrap_err();
    assert!(error.contains("process 7 ended"), "{error}");
}

#[test]
fn every_call_that_is_asked_for_is_known() {
    for name in super::calls::CALLS.split(',') {
        let name = name.trim_start_matches('?');
        let call = Call {
            name: name.to_owned(),
            arguments: vec!["0".to_owned(); 6],
            result: Returned::Error("EPERM".to_owned()),
        };
        let step = Step {
            pid: 7,
            line: 1,
            what: What::Called(call),
        };
        let told = truth(&listed(), "/w", &[step]).map(|truth| truth.done);
        let error = told.expect_err("it says that the process has not ended, at least");
        assert!(
            !error.contains("a call that is not known"),
            "{name}: {error}"
        );
    }
}
