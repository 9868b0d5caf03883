use std::collections::BTreeSet;

use super::*;

/// The host computes its rows from this file, without a boot.
const LISTED: &str = include_str!("../../workloads.txt");

#[test]
fn the_list_for_the_host_agrees_with_the_table() {
    let table: Vec<_> = all()
        .map(|it| format!("{} {}", it.family, it.name))
        .collect();
    let listed: Vec<_> = LISTED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(
        listed, table,
        "write workloads.txt anew: one `family name` per line"
    );
}

#[test]
fn names_are_unique_and_fit_a_test_path() {
    let mut seen = BTreeSet::new();
    for workload in all() {
        assert!(
            seen.insert((workload.family, workload.name)),
            "{} twice",
            workload.name
        );
        let plain = |text: &str| {
            text.chars()
                .all(|it| it.is_ascii_alphanumeric() || it == '_')
        };
        assert!(
            plain(workload.family) && plain(workload.name),
            "{}",
            workload.name
        );
        assert!(!workload.about.is_empty());
    }
}

#[test]
fn an_unknown_workload_is_not_found() {
    assert!(find("process", "fork").is_some());
    assert!(find("process", "frok").is_none());
    assert!(find("file", "fork").is_none());
}
