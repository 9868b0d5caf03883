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
const ADDED: &[(&str, &str, i64)] = &[("fork_exec_exit", "fentry", 35_000)];

/// The budget of an operation under a flavour, where there is one.
pub fn of_operation(operation: &str, flavour: &str) -> Option<i64> {
    let held = ADDED
        .iter()
        .find(|(name, way, _)| (*name, *way) == (operation, flavour));
    held.map(|(_, _, most)| *most)
}

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
            operations: vec![Operation {
                name: "fork_exec_exit".to_owned(),
                without: 1000,
                with: [("fentry".to_owned(), with)].into(),
            }],
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
        assert_eq!(exceeded("6.12", &costs).len(), 1);
    }
}
