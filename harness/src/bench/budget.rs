//! What the sensors may cost. A figure above its budget is a failure.

use super::Costs;

/// Instructions that the verifier may look at, for each program.
///
/// Its own limit is 1,000,000; kernels differ by more than a factor of two in
/// what they look at, so a program that comes near fails on the next kernel.
pub const VERIFIED_INSNS_PER_PROGRAM: u64 = 100_000;

/// The series that the added instructions are held on; others print theirs.
pub const SERIES: &str = "6.12";

/// Instructions that a flavour may add to one round of an operation.
const ADDED: &[(&str, &str, i64)] = &[
    ("fork+exec+exit", "fentry", 35_000),
    ("create+write+close+unlink", "fentry", 18_000),
    ("write again", "fentry", 700),
    ("read again", "fentry", 700),
    ("rename", "fentry", 7_000),
    ("TCP connection", "fentry", 30_000),
    ("TCP send+receive again", "fentry", 2_500),
];

/// Instructions that the verifier may look at, for all programs of a flavour.
pub const VERIFIED_INSNS_OF_ALL: u64 = 1_000_000;

/// Every figure of these costs that is above its budget, as a sentence.
pub fn exceeded(series: &str, costs: &Costs) -> Vec<String> {
    let mut exceeded = Vec::new();
    for program in &costs.programs {
        let insns = program.verified_insns.unwrap_or(0);
        if insns > VERIFIED_INSNS_PER_PROGRAM {
            exceeded.push(format!(
                "{series}: {} has {insns} verified instructions, {VERIFIED_INSNS_PER_PROGRAM} are allowed",
                program.name
            ));
        }
    }
    for flavour in ["fentry", "kprobe"] {
        let of_flavour = costs.programs.iter().filter(|it| it.flavour == flavour);
        let insns: u64 = of_flavour.filter_map(|it| it.verified_insns).sum();
        if insns > VERIFIED_INSNS_OF_ALL {
            exceeded.push(format!(
                "{series}: all {flavour} programs have {insns} verified instructions, \
                 {VERIFIED_INSNS_OF_ALL} are allowed"
            ));
        }
    }
    if series != SERIES {
        return exceeded;
    }
    for (name, flavour, most) in ADDED {
        let operation = costs
            .operations
            .iter()
            .find(|operation| operation.name == *name);
        match operation.and_then(|operation| operation.added(flavour)) {
            Some(added) if added <= *most => {}
            Some(added) => exceeded.push(format!(
                "{series}: {name} takes {added} more instructions with {flavour}, {most} are allowed"
            )),
            None => exceeded.push(format!("{series}: {name} was not measured with {flavour}")),
        }
    }
    exceeded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Operation, Program};

    fn costs(with: u64, verified_insns: u64) -> Costs {
        Costs {
            release: String::new(),
            operations: ADDED
                .iter()
                .map(|(name, _, most)| Operation {
                    name: (*name).to_owned(),
                    without: 1000,
                    // The first has what the test says, the others what they may.
                    with: [(
                        "fentry".to_owned(),
                        if *most == ADDED[0].2 { with } else { 1000 },
                    )]
                    .into(),
                })
                .collect(),
            programs: vec![Program {
                flavour: "fentry".to_owned(),
                name: "fork_fentry".to_owned(),
                attach: "tp_btf".to_owned(),
                verified_insns: Some(verified_insns),
                jited_bytes: None,
            }],
        }
    }

    #[test]
    fn figures_at_their_budget_are_fine_and_above_are_named() {
        assert_eq!(
            exceeded("6.12", &costs(36_000, 100_000)),
            Vec::<String>::new()
        );
        assert_eq!(exceeded("6.12", &costs(36_001, 100_001)).len(), 2);
        assert_eq!(exceeded("5.10", &costs(36_001, 100_001)).len(), 1);
    }

    #[test]
    fn an_operation_that_was_not_measured_is_not_within_its_budget() {
        let mut costs = costs(0, 0);
        costs.operations.clear();
        assert_eq!(exceeded("6.12", &costs).len(), ADDED.len());
    }

    #[test]
    fn all_programs_together_have_a_budget() {
        let mut costs = costs(36_000, 100_000);
        let one = costs.programs.remove(0);
        costs.programs.extend((0..11).map(|_| Program {
            flavour: one.flavour.clone(),
            name: one.name.clone(),
            attach: one.attach.clone(),
            ..one
        }));
        assert_eq!(exceeded("6.12", &costs).len(), 1);
    }
}
