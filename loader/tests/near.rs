//! Why a relocation has no answer, in words.

mod common;

use common::{btf_of, object, spec};
use trapline_loader::btf::{Source, Target};
use trapline_loader::relo_core::{Absence, absence, relocate};

/// What is said of each relocation of core_fake that has no answer.
fn absences() -> Vec<(String, Absence)> {
    let kernel = btf_of(&object("kernel"));
    let object = spec("core_fake");
    let mut target = Target::new(Source::from_bytes(&kernel)).unwrap();
    let report = relocate(&mut spec("core_fake"), &mut target).unwrap();
    let mut found = Vec::new();
    for relocated in report.relocations {
        let relos = &object.programs[relocated.program].core_relos;
        let relo = relos.iter().find(|r| r.insn == relocated.insn).unwrap();
        if let Some(absence) = absence(&object, relo, &mut target).unwrap() {
            found.push((relocated.description.to_string(), absence));
        }
    }
    found
}

#[test]
fn every_absence_has_a_reason_and_names_what_is_near() {
    let all = absences();
    assert!(!all.is_empty());
    for (about, absence) in &all {
        assert!(!absence.reason.is_empty(), "{about}");
    }
    let (_, renamed) = all
        .iter()
        .find(|(about, _)| about.contains("narrower_not_there"))
        .unwrap();
    assert_eq!(
        renamed.reason,
        "struct resized has no member narrower_not_there"
    );
    assert_eq!(renamed.similar, ["narrower"]);
}
