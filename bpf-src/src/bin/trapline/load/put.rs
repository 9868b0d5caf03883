//! One object into the kernel, program by program.

use std::time::Instant;

use trapline_loader::Error;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::spec::ObjectSpec;

use super::outcome::{Attached, Figures, Outcome, Verdict};
use super::{Arguments, Loaded};

/// Ring buffers whose object leaves their size open get this one.
const RING_BYTES: u32 = 1 << 20;
/// `BPF_MAP_TYPE_RINGBUF` and `BPF_MAP_TYPE_USER_RINGBUF`.
const RINGS: [u32; 2] = [27, 31];

/// Loads an object and says what became of each of its programs. One that is
/// refused keeps no other from being loaded.
pub fn put(
    mut spec: ObjectSpec,
    kernel: &mut KernelBtf,
    arguments: &Arguments,
) -> (Vec<Outcome>, Option<Loaded>) {
    let name = spec.name.clone();
    for map in &mut spec.maps {
        if RINGS.contains(&map.map_type) && map.max_entries == 0 {
            map.max_entries = RING_BYTES;
        }
    }
    let mut outcomes = Vec::new();
    for (part, reason) in &spec.skipped {
        outcomes.push(Outcome::of_part(&name, part, Verdict::Skipped, reason));
    }
    let mut programs = Vec::new();
    for program in &mut spec.programs {
        let asked = core::mem::replace(&mut program.kind.autoload, false);
        programs.push((program.name.clone(), program.section.clone(), asked));
    }
    let mut options = LoadOptions::default().with_stats(true);
    options.pin_root.clone_from(&arguments.pin);
    let mut object = match Object::load(spec, kernel, &options) {
        Ok(object) => object,
        Err(error) => {
            let mut outcome = Outcome::of_part(&name, "", Verdict::of(&error), "");
            outcome.error = Some(text(&error));
            outcomes.push(outcome);
            return (outcomes, None);
        }
    };
    let mut links = Vec::new();
    for (program, section, asked) in programs {
        let mut outcome = Outcome::of_program(&name, &program, &section);
        if !asked {
            outcome.verdict = Verdict::NotAsked;
            outcomes.push(outcome);
            continue;
        }
        let start = Instant::now();
        let loaded = object.load_program(&program);
        outcome.time_us = start.elapsed().as_micros().try_into().ok();
        match loaded {
            Ok(loaded) => {
                outcome.figures = Figures::of(loaded);
                if arguments.attach {
                    match loaded.attach() {
                        Ok(link) => {
                            outcome.attached = Attached::By(link.how().to_owned());
                            links.push((program, link));
                        }
                        Err(error) => {
                            outcome.attached = Attached::Failed;
                            outcome.error = Some(text(&error));
                        }
                    }
                }
            }
            Err(error) => {
                outcome.verdict = Verdict::of(&error);
                outcome.error = Some(text(&error));
                outcome.log = error.verifier_excerpt();
            }
        }
        outcomes.push(outcome);
    }
    object.forget_waiting();
    let loaded = Loaded { links, object };
    (outcomes, Some(loaded))
}

/// The whole chain on one line.
fn text(error: &Error) -> String {
    format!("{error:#}")
}
