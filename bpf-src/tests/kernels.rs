//! Every sensor against every kernel of the matrix, without a kernel: against
//! the minimised BTF in vm-images/btf.

use std::path::PathBuf;

use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::relo_core::relocate;
use trapline_loader::spec::ObjectSpec;
use trapline_sensors::objects;

/// The kernels, by series.
const SERIES: [&str; 11] = [
    "5.10", "6.1", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
];

/// What kernels are known not to have, as something else takes its place there:
/// `(what, first series, last)`.
const ABSENT: &[(&str, &str, &str)] = &[
    (
        "enum iter_type::ITER_UBUF, enumerator value",
        "5.10",
        "5.10",
    ),
    ("fexit/__kernel_write_iter", "5.10", "5.10"),
    ("fexit/__sys_bind_socket", "5.10", "6.1"),
    ("fexit/__sys_listen_socket", "5.10", "6.1"),
    ("fexit/do_rmdir", "7.0", "7.3"),
    ("fexit/filename_rmdir", "5.10", "6.19"),
    ("fexit/mptcp_recvmsg", "5.10", "5.10"),
    ("fexit/mptcp_sendmsg", "5.10", "5.10"),
    ("fexit/mptcp_stream_accept", "5.10", "5.10"),
    ("fexit/splice_file_to_pipe", "5.10", "5.10"),
    ("fexit/tcp_sendpage", "6.12", "7.3"),
    ("fexit/vfs_remove_acl", "5.10", "6.1"),
    ("fexit/vfs_set_acl", "5.10", "6.1"),
    // In a module, whose types are not in these files.
    ("struct btrfs_inode.root, byte offset", "5.10", "7.3"),
    ("struct btrfs_inode.vfs_inode, byte offset", "5.10", "7.3"),
    ("struct btrfs_root.anon_dev, byte offset", "5.10", "7.3"),
    ("struct inode.i_ctime_nsec, byte offset", "5.10", "6.1"),
    ("struct inode.i_ctime_sec, byte offset", "5.10", "6.1"),
    (
        "struct inode___hidden_timespec.__i_ctime.tv_nsec, byte offset",
        "5.10",
        "7.3",
    ),
    (
        "struct inode___hidden_timespec.__i_ctime.tv_sec, byte offset",
        "5.10",
        "7.3",
    ),
    (
        "struct inode___timespec.i_ctime.tv_nsec, byte offset",
        "6.12",
        "7.3",
    ),
    (
        "struct inode___timespec.i_ctime.tv_sec, byte offset",
        "6.12",
        "7.3",
    ),
    ("struct iov_iter.__iov, byte offset", "5.10", "6.1"),
    ("struct iov_iter.iter_type, byte offset", "5.10", "5.10"),
    ("struct iov_iter.ubuf, byte offset", "5.10", "5.10"),
    ("struct iov_iter___iov.iov, byte offset", "6.12", "7.3"),
    ("struct iov_iter___type.type, byte offset", "6.1", "7.3"),
];

/// Whether a series is one of those from `first` to `last`.
fn is_within(series: &str, first: &str, last: &str) -> bool {
    let place = |series: &str| SERIES.iter().position(|known| *known == series).unwrap();
    (place(first)..=place(last)).contains(&place(series))
}

fn btf_of(series: &str) -> KernelBtf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    KernelBtf::from_file(root.join(format!("../vm-images/btf/{series}.btf")))
}

/// What a kernel does not have of an object: fields, types and hooks.
fn absences(name: &str, bytes: &[u8], series: &str) -> Vec<String> {
    let mut spec = ObjectSpec::parse(name, bytes).unwrap();
    let mut btf = btf_of(series);
    let target = btf.target().unwrap();
    let report = relocate(&mut spec, target).unwrap();
    // The isolation looks at packets alone, and at nothing of the kernel's.
    let looks_at_nothing = report.relocations.is_empty();
    assert_eq!(looks_at_nothing, name == "isolate", "{name} on {series}");
    let failed = report.failed.iter().map(|(_, error)| format!("{error:#}"));
    let mut absences: Vec<String> = failed.collect();
    let poisoned = report.relocations.iter().filter(|r| r.poisoned);
    absences.extend(poisoned.map(|relocated| relocated.description.to_string()));
    for program in &spec.programs {
        if let Some((kind, hook)) = program.kind.attach.kernel_type() {
            if target.find_one(kind, &hook).unwrap().is_none() {
                absences.push(program.section.clone());
            }
        }
    }
    absences.sort();
    absences.dedup();
    absences
}

#[test]
fn every_kernel_has_what_the_sensors_look_at() {
    let all = objects::unpacked().unwrap();
    let mut unknown = Vec::new();
    for series in SERIES {
        let known = ABSENT.iter();
        let known = known.filter(|(_, first, last)| is_within(series, first, last));
        let known: Vec<&str> = known.map(|(what, _, _)| *what).collect();
        for (name, bytes) in &all {
            let found = absences(name, bytes, series).into_iter();
            let found = found.filter(|what| !known.contains(&&**what));
            unknown.extend(found.map(|what| format!("{name} on {series}: {what}")));
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn what_is_known_to_be_absent_is() {
    let all = objects::unpacked().unwrap();
    for series in SERIES {
        let found = all.iter();
        let found = found.flat_map(|(name, bytes)| absences(name, bytes, series));
        let found: Vec<String> = found.collect();
        for (what, first, last) in ABSENT {
            let is_absent = found.iter().any(|found| found == what);
            let is_known = is_within(series, first, last);
            assert_eq!(is_absent, is_known, "{what} on {series}");
        }
    }
}

#[test]
fn each_series_has_its_file_and_no_other_is_there() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vm-images/btf");
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    let mut expected = SERIES.map(|series| format!("{series}.btf"));
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}
