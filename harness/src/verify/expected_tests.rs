use std::sync::Arc;

use super::*;

/// Needs Linux 5.16 for its map.
const BLOOM: &str = "map_bloom.bpf.o";

fn objects() -> Vec<Object> {
    let object = |name: &str| Object {
        name: format!("{name}.bpf.o"),
        bytes: Arc::from(trapline_corpus::object(name).unwrap()),
    };
    vec![object("map_bloom"), object("map_hash")]
}

fn line(object: &str, program: &str, kernel: &str, verdict: &str, error: &str) -> Line {
    Line {
        kernel: kernel.to_owned(),
        arch: "x86_64".to_owned(),
        object: object.to_owned(),
        program: Some(program.to_owned()),
        section: Some("raw_tp/sys_enter".to_owned()),
        verdict: verdict.to_owned(),
        attached: None,
        verified_insns: None,
        error: (!error.is_empty()).then(|| error.to_owned()),
    }
}

fn differences(table: &str, lines: &[Line]) -> String {
    let expected = Expected::parse(table).unwrap();
    expected.differences(&objects(), lines).join("\n")
}

#[test]
fn what_an_object_needs_says_where_it_is_refused_and_with_which_version() {
    let bloom = |kernel, verdict, error| line(BLOOM, "push", kernel, verdict, error);
    let right = [
        bloom("5.10", "unsupported", "map a_map: … needs Linux 5.16"),
        bloom("6.1", "loaded", ""),
    ];
    assert_eq!(differences("", &right), "");
    for (wrong, why) in [
        (
            bloom("6.1", "unsupported", "needs Linux 5.16"),
            "should be Loaded",
        ),
        (
            bloom("6.1", "rejected", "R0 !read_ok"),
            "should be Loaded: R0",
        ),
        (bloom("5.10", "loaded", ""), "Loaded, though it needs"),
        (
            bloom("5.10", "rejected", "needs Linux 5.16"),
            "Rejected, though",
        ),
        (
            bloom("5.10", "unsupported", "needs Linux 6.1"),
            "BLOOM_FILTER (5.16)",
        ),
    ] {
        let told = differences("", &[wrong]);
        assert!(
            told.starts_with("map_bloom.bpf.o: push on ") && told.contains(why),
            "{told}"
        );
    }
}

#[test]
fn an_exception_holds_on_its_kernels_with_its_state_and_its_reason() {
    let table = r#"
        [[exception]]
        state = "rejected"
        of = ["map_hash.bpf.o: look_up"]
        on = "6.1 6.16..7.1"
        says = "R2 max value"
        why = "These verifiers cannot follow it."
    "#;
    let look_up =
        |kernel, verdict, error| line("map_hash.bpf.o", "look_up", kernel, verdict, error);
    let refused = |kernel| look_up(kernel, "rejected", "refused: R2 max value is outside");
    let loaded = |kernel| look_up(kernel, "loaded", "");
    let right = [
        loaded("5.10"),
        refused("6.1"),
        loaded("6.12"),
        refused("6.16"),
        refused("7.0"),
        loaded("7.1"),
    ];
    assert_eq!(differences(table, &right), "");
    for (wrong, why) in [
        (refused("6.12"), "should be Loaded"),
        (refused("7.1"), "should be Loaded"),
        (loaded("6.16"), "should be Rejected"),
        (
            look_up("6.1", "rejected", "R1 !read_ok"),
            "not because of `R2 max value`",
        ),
    ] {
        let told = differences(table, &[wrong]);
        assert!(told.contains(why), "{told}");
    }
    let other = line("map_hash.bpf.o", "another", "6.1", "loaded", "");
    assert!(differences(table, &[other]).contains("no such program"));
    // Nobody asked for that object.
    assert_eq!(
        differences(table, &[line(BLOOM, "push", "6.1", "loaded", "")]),
        ""
    );
}

#[test]
fn loaded_but_not_attached_is_a_state_of_its_own() {
    let table = r#"
        [[exception]]
        state = "unattached"
        of = ["map_hash.bpf.o: look_up"]
        says = "not active"
        why = "Nothing is attached here in any case."
    "#;
    let unattached = Line {
        attached: Some(false),
        ..line(
            "map_hash.bpf.o",
            "look_up",
            "6.1",
            "loaded",
            "it is not active",
        )
    };
    assert_eq!(differences(table, std::slice::from_ref(&unattached)), "");
    assert!(differences("", std::slice::from_ref(&unattached)).contains("Unattached"));
    let attached = Line {
        attached: Some(true),
        error: None,
        ..unattached
    };
    assert!(differences(table, &[attached]).contains("should be Unattached"));
}

#[test]
fn exceptions_without_a_reason_or_an_essence_are_errors() {
    let table = |of: &str, says: &str, why: &str, on: &str| {
        format!(
            "[[exception]]\nstate = \"rejected\"\nof = {of}\nsays = \"{says}\"\n\
             why = \"{why}\"\non = \"{on}\""
        )
    };
    let why = "A sentence, and long enough.";
    assert!(Expected::parse(&table("['a: b']", "x", why, "5.10")).is_ok());
    for wrong in [
        table("[]", "x", why, "5.10"),
        table("['a: b']", "", why, "5.10"),
        table("['a: b']", "x", "because", "5.10"),
        table("['a: b']", "x", why, ""),
        table("['a: b']", "x", why, ".."),
        table("['a: b']", "x", why, "five"),
    ] {
        assert!(Expected::parse(&wrong).is_err(), "{wrong}");
    }
}
