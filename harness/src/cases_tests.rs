use super::*;

const TABLE: &str = r#"
[[case]]
name = "attach_kprobe"
how = { "5.10" = "kprobe/ioctl", "6.1" = "kprobe/link" }

[[case]]
name = "attach_netkit"
since = "6.7"
how = "netkit"
excused = { "6.19 7.0" = "no package with modules" }

[[case]]
name = "order"
since = "6.17"
earlier = { "6.12" = "taken over" }

[[case]]
name = "pinning"

[[case]]
name = "budget_syscalls"
most = { "bpf" = 14, "syscalls" = { "5.10" = 1500, "6.16" = 60 } }
"#;

fn expectation(name: &str) -> Expectation {
    let cases = parse(TABLE).unwrap();
    let mut found = cases.into_iter().filter(|case| case.name == name);
    found.next().unwrap()
}

fn exercised(name: &str, how: &str) -> Case {
    Case {
        how: Some(how.to_owned()),
        expected: Some(3),
        counted: Some(3),
        after_detach: Some(3),
        ..Case::bare(name, CaseOutcome::Exercised)
    }
}

fn unsupported(name: &str, since: &str) -> Case {
    Case {
        feature: Some("netkit".to_owned()),
        since: Some(since.to_owned()),
        ..Case::bare(name, CaseOutcome::Unsupported)
    }
}

fn with_error(name: &str, outcome: CaseOutcome) -> Case {
    Case {
        error: Some("no module netkit".to_owned()),
        ..Case::bare(name, outcome)
    }
}

fn wrong(series: &str, case: &Case) -> Vec<String> {
    expectation(&case.name).wrong(series.parse().unwrap(), case)
}

#[test]
fn a_case_that_was_exercised_as_demanded_is_right() {
    let none = Vec::<String>::new();
    for (series, how) in [("5.10", "kprobe/ioctl"), ("6.12", "kprobe/link")] {
        assert_eq!(wrong(series, &exercised("attach_kprobe", how)), none);
    }
    let pinning = Case {
        after_detach: None,
        ..exercised("pinning", "bpffs")
    };
    assert_eq!(wrong("5.10", &pinning), none);
}

#[test]
fn every_mutation_of_a_right_outcome_is_wrong() {
    let right = exercised("attach_kprobe", "kprobe/link");
    let mutants = [
        Case {
            how: Some("kprobe/ioctl".to_owned()),
            ..right.clone()
        },
        Case {
            how: None,
            ..right.clone()
        },
        Case {
            expected: Some(4),
            ..right.clone()
        },
        Case {
            expected: None,
            ..right.clone()
        },
        Case {
            expected: Some(0),
            counted: Some(0),
            after_detach: Some(0),
            ..right.clone()
        },
        Case {
            counted: Some(2),
            ..right.clone()
        },
        Case {
            counted: None,
            ..right.clone()
        },
        Case {
            after_detach: Some(4),
            ..right.clone()
        },
        Case {
            after_detach: None,
            ..right.clone()
        },
        Case {
            feature: Some("kprobes".to_owned()),
            ..right.clone()
        },
        Case {
            since: Some("5.15".to_owned()),
            ..right.clone()
        },
        Case {
            error: Some("no".to_owned()),
            ..right.clone()
        },
        Case {
            outcome: CaseOutcome::Failed,
            ..right.clone()
        },
        Case {
            outcome: CaseOutcome::Absent,
            ..right.clone()
        },
        Case {
            outcome: CaseOutcome::Unsupported,
            ..right.clone()
        },
    ];
    for mutant in mutants {
        assert!(!wrong("6.12", &mutant).is_empty(), "{mutant:?}");
    }
    assert!(wrong("6.12", &right).is_empty());
}

#[test]
fn a_kernel_that_should_have_it_may_be_neither_too_old_nor_without_it() {
    let texts = wrong("6.12", &unsupported("attach_netkit", "6.7"));
    assert!(texts[0].contains("6.12 should have it"), "{texts:?}");
    let texts = wrong("6.12", &with_error("attach_netkit", CaseOutcome::Absent));
    assert_eq!(texts, ["6.12 should have it: no module netkit"]);
    // What every kernel has, no kernel is too old for.
    assert!(!wrong("5.10", &unsupported("attach_kprobe", "4.1")).is_empty());
}

#[test]
fn the_version_that_the_loader_names_is_the_one_of_the_table() {
    assert!(wrong("6.1", &unsupported("attach_netkit", "6.7")).is_empty());
    let texts = wrong("6.1", &unsupported("attach_netkit", "6.6"));
    assert!(texts[0].contains("came with Linux 6.6"), "{texts:?}");
    let nameless = Case {
        feature: None,
        ..unsupported("attach_netkit", "6.7")
    };
    assert!(!wrong("6.1", &nameless).is_empty());
    let timeless = Case {
        since: None,
        ..unsupported("attach_netkit", "6.7")
    };
    assert!(!wrong("6.1", &timeless).is_empty());
    // An old kernel that does it, or does not say that it is too old for it.
    assert!(!wrong("6.1", &exercised("attach_netkit", "netkit")).is_empty());
    assert!(!wrong("6.1", &with_error("attach_netkit", CaseOutcome::Absent)).is_empty());
}

#[test]
fn an_excuse_holds_for_what_is_absent_and_only_as_long_as_it_is() {
    let absent = with_error("attach_netkit", CaseOutcome::Absent);
    assert!(wrong("6.19", &absent).is_empty());
    let texts = wrong("6.19", &exercised("attach_netkit", "netkit"));
    assert!(texts[0].contains("remove its excuse"), "{texts:?}");
    assert!(!wrong("6.19", &unsupported("attach_netkit", "6.7")).is_empty());
    let failed = with_error("attach_netkit", CaseOutcome::Failed);
    assert_eq!(wrong("6.19", &failed), ["it failed: no module netkit"]);
}

#[test]
fn a_case_stays_within_its_budget_and_says_what_it_spent() {
    let spent = |bpf, syscalls| Case {
        after_detach: None,
        spent: [("bpf".to_owned(), bpf), ("syscalls".to_owned(), syscalls)].into(),
        ..exercised("budget_syscalls", "load")
    };
    for right in [("5.10", 1500), ("6.12", 1500), ("6.16", 60), ("7.3", 60)] {
        assert_eq!(wrong(right.0, &spent(14, right.1)), Vec::<String>::new());
        let above = wrong(right.0, &spent(14, right.1 + 1)).concat();
        assert!(
            above.contains(&format!("spent {} syscalls", right.1 + 1)),
            "{above}"
        );
    }
    assert_eq!(wrong("7.3", &spent(15, 61)).len(), 2);
    let mut silent = spent(14, 60);
    silent.spent.remove("bpf");
    assert!(
        wrong("7.3", &silent)
            .concat()
            .contains("does not say how many bpf")
    );
    silent
        .spent
        .extend([("bpf".to_owned(), 1), ("tea".to_owned(), 1)]);
    assert!(wrong("7.3", &silent).concat().contains("1 tea, for which"));
}

#[test]
fn tables_that_do_not_fit_together_are_errors() {
    for (text, what) in [
        ("case = []", "no case"),
        ("[[case]]\nname = \"A\"", "does not fit"),
        ("[[case]]\nname = \"attach_x\"", "needs `how`"),
        ("[[case]]\nname = \"a\"\nsice = \"6.1\"", "sice"),
        ("[[case]]\nname = \"a\"\nsince = \"six\"", "six"),
        ("[[case]]\nname = \"a\"\n[[case]]\nname = \"a\"", "twice"),
        (
            "[[case]]\nname = \"a\"\nexcused = { \"6.1\" = \"\" }",
            "without a reason",
        ),
        (
            "[[case]]\nname = \"a\"\nsince = \"6.7\"\nearlier = { \"6.12\" = \"x\" }",
            "not older",
        ),
        (
            "[[case]]\nname = \"a\"\nsince = \"6.7\"\nexcused = { \"6.1\" = \"x\" }",
            "needs no excuse",
        ),
        (
            "[[case]]\nname = \"a\"\nexcused = { \"6.1 6.1\" = \"x\" }",
            "excused twice",
        ),
    ] {
        let error = format!("{:#}", parse(text).unwrap_err());
        assert!(error.contains(what), "{text}: {error}");
    }
}

#[test]
fn a_kernel_that_took_something_over_has_to_do_it() {
    let order = expectation("order");
    let series = |text: &str| text.parse().unwrap();
    let does = Case {
        after_detach: None,
        ..exercised("order", "cgroup/link")
    };
    assert!(order.wrong(series("6.12"), &does).is_empty());
    assert!(!order.wrong(series("6.16"), &does).is_empty());
    let lacks = unsupported("order", "6.17");
    assert!(!order.wrong(series("6.12"), &lacks).is_empty());
    assert!(order.wrong(series("6.16"), &lacks).is_empty());
}

/// Those of the loader's examples that are put into guests are those that cases run, and
/// the shortest is as short as it says.
#[test]
fn the_examples_are_run_and_short() {
    let root = crate::host::workspace_root();
    let cases = load(&root).unwrap();
    let run: Vec<&str> = cases
        .iter()
        .filter_map(|case| example(&case.name))
        .collect();
    assert_eq!(run, EXAMPLES);
    let lines = |name: &str| {
        let path = root.join(format!("loader/examples/{name}.rs"));
        std::fs::read_to_string(path).unwrap().lines().count()
    };
    assert!(lines("print") <= 60, "print.rs has to fit a page");
}
