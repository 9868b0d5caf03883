//! What an object says that it needs.

mod common;

use common::spec;
use trapline_loader::need::{Need, Version};

fn need(name: &str, feature: &str) -> Option<Need> {
    let needs = spec(name).needs();
    needs.into_iter().find(|need| need.feature == feature)
}

#[test]
fn a_ring_buffer_needs_the_kernel_that_brought_it() {
    let ring = need("core", "BPF_MAP_TYPE_RINGBUF").unwrap();
    assert_eq!((ring.since, ring.required), (Version(5, 8), true));
    assert_eq!(ring.users, ["events"]);
    assert_eq!(need("core", "BPF_MAP_TYPE_ARENA"), None);
}

#[test]
fn what_only_sleeping_programs_use_is_not_required() {
    // The one program with callbacks is in a section that starts with `?`.
    let callbacks = need("core", "callbacks").unwrap();
    assert!(!callbacks.required, "{callbacks:?}");
    assert_eq!(callbacks.users, ["callbacks"]);
}

#[test]
fn kinds_of_types_are_replaced_where_they_are_not_known() {
    assert!(!need("core", "BTF_KIND_FUNC").unwrap().required);
}

#[test]
fn needs_are_in_the_order_of_versions() {
    let needs = spec("core").needs();
    assert!(needs.is_sorted_by_key(|need| need.since));
}
