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
/// `(what, series)`.
const ABSENT: &[(&str, &[&str])] = &[
    ("fexit/__kernel_write_iter", &["5.10"]),
    ("fexit/do_rmdir", &["7.0", "7.1", "7.2", "7.3"]),
    (
        "fexit/filename_rmdir",
        &["5.10", "6.1", "6.12", "6.16", "6.17", "6.18", "6.19"],
    ),
    ("fexit/splice_file_to_pipe", &["5.10"]),
    ("fexit/vfs_remove_acl", &["5.10", "6.1"]),
    ("fexit/vfs_set_acl", &["5.10", "6.1"]),
    ("struct inode.i_ctime_nsec, byte offset", &["5.10", "6.1"]),
    ("struct inode.i_ctime_sec, byte offset", &["5.10", "6.1"]),
    (
        "struct inode___hidden_timespec.__i_ctime.tv_nsec, byte offset",
        &[
            "5.10", "6.1", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
        ],
    ),
    (
        "struct inode___hidden_timespec.__i_ctime.tv_sec, byte offset",
        &[
            "5.10", "6.1", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
        ],
    ),
    (
        "struct inode___timespec.i_ctime.tv_nsec, byte offset",
        &[
            "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
        ],
    ),
    (
        "struct inode___timespec.i_ctime.tv_sec, byte offset",
        &[
            "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
        ],
    ),
];

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
    assert!(!report.relocations.is_empty(), "{name} on {series}");
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
    let mut unknown = Vec::new();
    for series in SERIES {
        let known = ABSENT.iter().filter(|(_, of)| of.contains(&series));
        let known: Vec<&str> = known.map(|(what, _)| *what).collect();
        for (name, bytes) in objects::ALL {
            let found = absences(name, bytes, series).into_iter();
            let found = found.filter(|what| !known.contains(&&**what));
            unknown.extend(found.map(|what| format!("{name} on {series}: {what}")));
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn what_is_known_to_be_absent_is() {
    for series in SERIES {
        let found = objects::ALL.iter();
        let found = found.flat_map(|(name, bytes)| absences(name, bytes, series));
        let found: Vec<String> = found.collect();
        for (what, of) in ABSENT {
            let is_absent = found.iter().any(|found| found == what);
            assert_eq!(is_absent, of.contains(&series), "{what} on {series}");
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
