use super::super::tests::{SAID, SHELL, judged};
use super::*;

/// What sensors would say that miss nothing.
fn heard(truth: &Truth) -> Vec<Heard> {
    let heard = truth.done.iter().map(|done| Heard {
        tgid: done.tgid,
        operation: done.operation.clone(),
    });
    heard.collect()
}

/// The differences after something was done to what was heard.
fn differs(spoil: impl Fn(&mut Vec<Heard>, usize), index: usize) -> String {
    let truth = judged(SHELL).unwrap();
    let mut heard = heard(&truth);
    spoil(&mut heard, index);
    compare(&truth, SHELL, &heard, "/w").expect_err("something differs")
}

#[test]
fn all_events_and_no_others_are_right() {
    let truth = judged(SHELL).unwrap();
    assert_eq!(compare(&truth, SHELL, &heard(&truth), "/w"), Ok(12));
}

#[test]
fn an_event_that_is_missing_is_told_with_its_line() {
    for (index, operation) in SAID.iter().enumerate() {
        let told = differs(|heard, at| drop(heard.remove(at)), index);
        let (pid, operation) = operation.split_once(' ').unwrap();
        let line = format!("missing: {operation}, pid {pid}, strace line ");
        assert!(told.contains("1 differences"), "{told}");
        assert!(told.contains(&line), "{told}");
    }
    let told = differs(|heard, at| drop(heard.remove(at)), 7);
    let line = "strace line 22: 7 rmdir(\"sub\")                      = -1 ENOTEMPTY";
    assert!(told.contains(line), "{told}");
}

#[test]
fn an_event_that_came_twice_is_told() {
    for index in 0..12 {
        let told = differs(|heard, at| heard.insert(at, heard[at].clone()), index);
        assert!(told.contains("1 differences:\ntwice: file_"), "{told}");
    }
}

#[test]
fn an_event_that_says_something_else_is_told() {
    let spoils: [fn(&mut Heard); 6] = [
        |heard| heard.tgid = 15 - heard.tgid,
        |heard| heard.operation.path.push(b'x'),
        |heard| heard.operation.other.push(b'x'),
        |heard| heard.operation.errno ^= 1,
        |heard| heard.operation.detail ^= 1,
        |heard| heard.operation.flags.push("still_open"),
    ];
    for spoil in spoils {
        for index in 0..12 {
            let told = differs(|heard, at| spoil(&mut heard[at]), index);
            assert!(told.contains("2 differences:"), "{told}");
            assert!(
                told.contains("missing: ") && told.contains("not in the log: "),
                "{told}"
            );
        }
    }
}

#[test]
fn events_in_another_order_are_told() {
    let told = differs(|heard, at| heard.swap(at, at + 1), 4);
    assert!(
        told.contains("missing: ") && told.contains("twice: "),
        "{told}"
    );
}

#[test]
fn what_others_do_counts_in_the_folder_alone() {
    let stranger = |path: &'static [u8]| {
        let spoil = move |heard: &mut Vec<Heard>, _: usize| {
            let mut one = heard[0].clone();
            one.tgid = 99;
            one.operation.path = path.to_vec();
            heard.push(one);
        };
        let truth = judged(SHELL).unwrap();
        let mut heard = heard(&truth);
        spoil(&mut heard, 0);
        compare(&truth, SHELL, &heard, "/w")
    };
    let told = stranger(b"/w/other").unwrap_err();
    assert!(
        told.contains("not in the log: file_create open /w/other, pid 99"),
        "{told}"
    );
    assert_eq!(stranger(b"/elsewhere"), Ok(12));
}

#[test]
fn the_end_of_a_process_has_no_order() {
    let log = "7 openat(AT_FDCWD, \"a\", O_WRONLY|O_CREAT, 0666) = 3\n\
        7 openat(AT_FDCWD, \"b\", O_WRONLY|O_CREAT, 0666) = 4\n\
        7 write(3, \"x\", 1) = 1\n\
        7 write(4, \"x\", 1) = 1\n\
        7 +++ exited with 0 +++\n";
    let truth = judged(log).unwrap();
    let mut heard = heard(&truth);
    assert_eq!(heard.len(), 6);
    heard.swap(4, 5);
    assert_eq!(compare(&truth, log, &heard, "/w"), Ok(6));
    heard.swap(3, 4);
    assert!(compare(&truth, log, &heard, "/w").is_err());
}
