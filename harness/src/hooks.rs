//! How the sensors hooked into a kernel, against how they should.
//!
//! The loader takes what a kernel offers, best first, and falls back in silence
//! where it may. So a program that a change has made unfit for fentry would go
//! on working, at several times the cost. Here every fallback needs a reason.

use trapline_sensors::Family;

use crate::bench::budget;
use crate::kernels::Series;
use crate::recording::{Frame, Sensors};

/// Programs that the fentry flavour attaches by kprobe: on which series, and
/// why it cannot be otherwise.
const FALLBACKS: &[(&str, &[&str], &str)] = &[(
    "5.10",
    &["execveat_kprobe", "exec_returned_kprobe"],
    "the BTF of 5.10 has a pt_regs without members for __x64_sys_execveat, so that the verifier \
     gives fexit no access to it",
)];

/// Programs of the kprobe flavour that are attached otherwise, and why.
const NO_KPROBES: &[(&str, &str, &str)] = &[(
    "state_raw_tp",
    "raw_tp",
    "connections change their state in interrupts, where a kprobe's program is left out while \
     another runs: seen on 7.2 and 7.3",
)];

/// Everything that is not as it should be, as sentences.
pub fn wrong(series: Series, frames: &[Frame]) -> Vec<String> {
    let sensors = frames.iter().filter_map(|frame| match frame {
        Frame::Sensors(sensors) => Some(sensors),
        _ => None,
    });
    sensors
        .flat_map(|sensors| {
            let mut wrong = of_flavour(series, sensors);
            wrong.extend(without_programs(sensors));
            wrong.extend(over_budget(sensors));
            wrong
        })
        .collect()
}

fn of_flavour(series: Series, sensors: &Sensors) -> Vec<String> {
    let by_kprobe =
        |attach: &str| attach.starts_with("kprobe/") || attach.starts_with("kretprobe/");
    let fallbacks = FALLBACKS
        .iter()
        .find(|(on, _, _)| sensors.flavour == "fentry" && *on == series.to_string());
    let expected = fallbacks.map_or(&[][..], |(_, programs, _)| programs);
    let mut wrong = Vec::new();
    for program in &sensors.programs {
        let reasoned = expected.contains(&program.name.as_str());
        let should_be_kprobe = sensors.flavour == "kprobe" || reasoned;
        let mut others = NO_KPROBES.iter();
        let is_other =
            others.any(|(name, attach, _)| (*name, *attach) == (&program.name, &program.attach));
        let is_kprobes = by_kprobe(&program.attach) || is_other;
        if is_kprobes != should_be_kprobe {
            wrong.push(format!(
                "{} flavour: {} is attached as {}, with no reason in harness/src/hooks.rs",
                sensors.flavour, program.name, program.attach
            ));
        }
    }
    for name in expected {
        if !sensors.programs.iter().any(|program| program.name == *name) {
            wrong.push(format!(
                "fentry flavour: {name} is not needed, but harness/src/hooks.rs has a reason for it"
            ));
        }
    }
    wrong
}

/// Families that are not there: nothing would be said of what they are for.
fn without_programs(sensors: &Sensors) -> Vec<String> {
    let is_there = |family: &&&str| {
        let mut programs = sensors.programs.iter();
        !programs.any(|program| program.family == **family)
    };
    let names: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
    let missing = names.iter().filter(is_there);
    let flavour = &sensors.flavour;
    missing
        .map(|family| format!("{flavour} flavour: no program of the family {family} is attached"))
        .collect()
}

fn over_budget(sensors: &Sensors) -> Vec<String> {
    let most = budget::VERIFIED_INSNS_PER_PROGRAM;
    let mut wrong = Vec::new();
    for program in &sensors.programs {
        match program.verified_insns {
            Some(insns) if insns <= most => {}
            Some(insns) => wrong.push(format!(
                "{} has {insns} verified instructions, {most} are allowed",
                program.name
            )),
            None => wrong.push(format!(
                "nobody says how many instructions {} has",
                program.name
            )),
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::payload::Program;

    fn wrong_with(series: &str, flavour: &str, programs: &[(&str, &str)]) -> Vec<String> {
        let programs = programs.iter().map(|(name, attach)| Program {
            name: (*name).to_owned(),
            family: "process".to_owned(),
            attach: (*attach).to_owned(),
            verified_insns: Some(1),
            jited_bytes: None,
        });
        let sensors = Sensors {
            flavour: flavour.to_owned(),
            load_ns: 1,
            programs: programs.collect(),
        };
        of_flavour(series.parse().unwrap(), &sensors)
    }

    #[test]
    fn a_fallback_needs_a_reason_and_a_reason_a_fallback() {
        let none = Vec::<String>::new();
        assert_eq!(
            wrong_with("6.12", "fentry", &[("fork_fentry", "tp_btf")]),
            none
        );
        assert_eq!(
            wrong_with("6.12", "kprobe", &[("fork_kprobe", "kprobe/link")]),
            none
        );
        assert_eq!(
            wrong_with("6.12", "fentry", &[("fork_kprobe", "kprobe/link")]).len(),
            1
        );
        assert_eq!(
            wrong_with("6.12", "kprobe", &[("fork_fentry", "tp_btf")]).len(),
            1
        );
        assert_eq!(
            wrong_with("6.12", "kprobe", &[("state_raw_tp", "raw_tp")]),
            none
        );
        assert_eq!(
            wrong_with("6.12", "kprobe", &[("fork_raw_tp", "raw_tp")]).len(),
            1
        );
        assert_eq!(
            wrong_with("6.12", "fentry", &[("state_raw_tp", "raw_tp")]).len(),
            1
        );
        let reasoned = [
            ("execveat_kprobe", "kprobe/ioctl"),
            ("exec_returned_kprobe", "kretprobe/ioctl"),
        ];
        assert_eq!(wrong_with("5.10", "fentry", &reasoned), none);
        assert_eq!(wrong_with("6.12", "fentry", &reasoned).len(), 2);
        assert_eq!(wrong_with("5.10", "fentry", &[]).len(), 2);
    }

    #[test]
    fn a_program_over_its_budget_or_without_a_figure_is_named() {
        let mut sensors = Sensors {
            flavour: "fentry".to_owned(),
            load_ns: 1,
            programs: Vec::new(),
        };
        for insns in [Some(100_000), Some(100_001), None] {
            sensors.programs.push(Program {
                name: "fork_fentry".to_owned(),
                family: "process".to_owned(),
                attach: "tp_btf".to_owned(),
                verified_insns: insns,
                jited_bytes: None,
            });
        }
        assert_eq!(over_budget(&sensors).len(), 2);
    }

    #[test]
    fn a_family_without_a_program_is_named() {
        let program = |family: &Family| Program {
            name: "some_fentry".to_owned(),
            family: family.name().to_owned(),
            attach: "fentry".to_owned(),
            verified_insns: Some(1),
            jited_bytes: None,
        };
        let mut sensors = Sensors {
            flavour: "fentry".to_owned(),
            load_ns: 1,
            programs: Family::ALL.iter().map(program).collect(),
        };
        assert_eq!(without_programs(&sensors), [""; 0]);
        sensors.programs.retain(|program| program.family != "mount");
        let wrong = without_programs(&sensors);
        assert_eq!(
            wrong,
            ["fentry flavour: no program of the family mount is attached"]
        );
    }
}
