//! Tests of the model by itself: operations as a replay would name them.

use super::super::operation::read;
use super::*;

fn after(operations: &str, last: &str) -> Prediction {
    let mut model = Model::new();
    for operation in operations.split("; ") {
        model.apply(&read(operation).unwrap());
    }
    model.apply(&read(last).unwrap())
}

#[test]
fn a_name_is_new_only_once() {
    assert_eq!(after("mkdir a", "create a/b").events.len(), 1);
    let again = after("mkdir a; create a/b", "create a/b");
    assert_eq!((again.errno, again.events.len()), (libc::EEXIST, 0));
}

#[test]
fn two_names_of_a_file_are_no_rename() {
    let done = after("create a; link a b", "rename a b");
    assert_eq!(done, Prediction::default());
}

#[test]
fn a_folder_does_not_move_into_itself() {
    assert_eq!(after("mkdir a", "rename a a/b").errno, libc::EINVAL);
    let above = after("mkdir a; mkdir a/b", "rename a/b a");
    assert_eq!(above.errno, libc::ENOTEMPTY);
}

#[test]
fn what_the_file_system_refuses_is_told() {
    let full = after("mkdir a; create a/b", "rmdir a");
    assert_eq!(
        (full.errno, full.events[0].errno),
        (libc::ENOTEMPTY, libc::ENOTEMPTY)
    );
}

#[test]
fn the_last_name_of_two_is_the_last_link() {
    let first = after("create a; link a b", "unlink a");
    assert_eq!(first.events[0].flags, "");
    let last = after("create a; link a b; unlink a", "unlink b");
    assert_eq!(last.events[0].flags, "last_link");
}
