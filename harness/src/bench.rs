//! What the sensors cost, in executed instructions: an exact number.
//!
//! A boot under QEMU's instruction counting measures operations without
//! sensors and under each flavour. The same kernel and the same sensors give
//! the same figures to the last digit, on any host, however busy. This module
//! turns such a boot's recording into figures and holds them against budgets.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::recording::{Frame, Measure, Recording};
use crate::vm::{Mode, Plan};

pub mod budget;
pub mod loaders;
pub mod program;
mod std_along;
mod table;

/// The costs of one kernel's boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// `uname -r`.
    pub release: String,
    /// In the order in which they were measured.
    pub operations: Vec<Operation>,
    /// In the order in which they were attached.
    pub programs: Vec<Program>,
}

/// One operation: instructions without sensors, and with each flavour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `fork+exec+exit`, …
    pub name: String,
    /// Instructions of one round without sensors.
    pub without: u64,
    /// Instructions of one round, by flavour.
    pub with: BTreeMap<String, u64>,
}

impl Operation {
    /// Instructions that a flavour adds to one round. Negative where a kernel
    /// is faster with sensors than without, which has been seen: caches.
    pub fn added(&self, flavour: &str) -> Option<i64> {
        let with = self.with.get(flavour)?;
        Some(with.cast_signed() - self.without.cast_signed())
    }
}

/// One program, as one flavour attached it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// `fentry` or `kprobe`: of the sensors, not of this program.
    pub flavour: String,
    /// Its name in C.
    pub name: String,
    /// How it is attached.
    pub attach: String,
    /// Instructions that the verifier looked at, where the kernel tells.
    pub verified_insns: Option<u64>,
    /// Size of the machine code in bytes.
    pub jited_bytes: Option<u64>,
}

/// The flavours that are measured, each in a boot of its own: there is no guest
/// agent in such a boot, and a host that waits for one only waits so long.
pub const FLAVOURS: [&str; 2] = ["fentry", "kprobe"];

/// What the guest is asked to do: measure without sensors, then with those of
/// one flavour.
pub fn plan(flavour: &str) -> Plan {
    Plan {
        mode: Mode::Bench,
        flavours: vec![flavour.to_owned()],
        workloads: Vec::new(),
        perf_buffers: false,
        cases: Vec::new(),
        workload_timeout: Duration::from_secs(60),
        fault: None,
    }
}

impl Costs {
    /// The figures of a kernel's recordings, one for each flavour.
    ///
    /// # Errors
    /// A guest that could not measure everything, or measured something
    /// without saying what it costs without sensors; boots that do not agree
    /// on that.
    pub fn of(recordings: &[Recording]) -> Result<Self> {
        let first = recordings.first().context("nothing was recorded")?;
        let mut costs = Self {
            release: first.hello.release.clone(),
            operations: Vec::new(),
            programs: Vec::new(),
        };
        for frame in recordings.iter().flat_map(|recording| &recording.frames) {
            match frame {
                Frame::Failure(failed) => {
                    anyhow::bail!("the guest could not {}: {}", failed.what, failed.error)
                }
                Frame::Sensors(sensors) => {
                    costs
                        .programs
                        .extend(sensors.programs.iter().map(|program| Program {
                            flavour: sensors.flavour.clone(),
                            name: program.name.clone(),
                            attach: program.attach.clone(),
                            verified_insns: program.verified_insns,
                            jited_bytes: program.jited_bytes,
                        }));
                }
                Frame::Measure(measure) if measure.flavour == "none" => costs.base(measure)?,
                Frame::Measure(measure) => {
                    let operation = costs
                        .operations
                        .iter_mut()
                        .find(|operation| operation.name == measure.operation)
                        .with_context(|| format!("{} has no base", measure.operation))?;
                    operation
                        .with
                        .insert(measure.flavour.clone(), measure.instructions);
                }
                _ => {}
            }
        }
        ensure!(!costs.operations.is_empty(), "the guest measured nothing");
        Ok(costs)
    }

    /// What an operation costs without sensors, which every boot measures.
    fn base(&mut self, measure: &Measure) -> Result<()> {
        let known = self
            .operations
            .iter()
            .find(|known| known.name == measure.operation);
        let Some(known) = known else {
            self.operations.push(Operation {
                name: measure.operation.clone(),
                without: measure.instructions,
                with: BTreeMap::new(),
            });
            return Ok(());
        };
        ensure!(
            known.without == measure.instructions,
            "two boots do not agree what {} costs without sensors: {} and {} instructions; \
             something in them is left to chance",
            known.name,
            known.without,
            measure.instructions
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Hello;

    fn recording(measures: &[(&str, u64)]) -> Recording {
        let measure = |(flavour, instructions): &(&str, u64)| {
            Frame::Measure(Measure {
                operation: "fork+exec+exit".to_owned(),
                flavour: (*flavour).to_owned(),
                rounds: 101,
                instructions: *instructions,
            })
        };
        Recording {
            hello: Hello {
                nonce: String::new(),
                release: "6.12".to_owned(),
                machine: String::new(),
                version: String::new(),
                cpus: 1,
                btf_sha256: String::new(),
            },
            frames: measures.iter().map(measure).collect(),
        }
    }

    #[test]
    fn what_is_added_is_the_difference_to_no_sensors() {
        let costs = Costs::of(&[
            recording(&[("none", 700), ("fentry", 750)]),
            recording(&[("none", 700), ("kprobe", 690)]),
        ]);
        let costs = costs.unwrap();
        assert_eq!(costs.operations[0].added("fentry"), Some(50));
        assert_eq!(costs.operations[0].added("kprobe"), Some(-10));
        assert_eq!(costs.operations[0].added("lsm"), None);
    }

    #[test]
    fn boots_that_disagree_are_an_error() {
        let error =
            Costs::of(&[recording(&[("none", 700)]), recording(&[("none", 701)])]).unwrap_err();
        assert!(error.to_string().contains("700 and 701"), "{error}");
    }

    #[test]
    fn nothing_measured_and_no_base_are_errors() {
        assert!(Costs::of(&[recording(&[])]).is_err());
        let error = Costs::of(&[recording(&[("fentry", 7)])]).unwrap_err();
        assert_eq!(error.to_string(), "fork+exec+exit has no base");
    }
}
