//! What maps hold from the start: other maps right away, programs as soon as
//! each is loaded.

use crate::error::{Error, Result, ResultExt};
use crate::map::{Map, UpdateFlag};
use crate::program::Program;
use crate::spec::{MapSpec, MapValue};

/// An element that waits for its program.
#[derive(Debug)]
pub(super) struct Slot {
    map: usize,
    element: u32,
    program: String,
}

/// Puts maps into maps, and returns what waits for a program.
pub(super) fn fill(specs: &mut [MapSpec], maps: &[Map]) -> Result<Vec<Slot>> {
    let mut slots = Vec::new();
    for (at, spec) in specs.iter_mut().enumerate() {
        for (element, value) in core::mem::take(&mut spec.values) {
            match value {
                MapValue::Program(program) => slots.push(Slot {
                    map: at,
                    element,
                    program,
                }),
                MapValue::Map(inner) => {
                    let inner = maps.get(inner).ok_or_else(|| {
                        Error::invalid_input(format!("map {inner} of {}", maps.len()))
                    })?;
                    set(maps, at, element, inner)?;
                }
            }
        }
    }
    Ok(slots)
}

/// Puts a program that was just loaded where it is waited for.
pub(super) fn fill_program(slots: &[Slot], maps: &[Map], program: &Program) -> Result<()> {
    let wanted = slots.iter().filter(|slot| slot.program == program.name());
    wanted.into_iter().try_for_each(|slot| {
        set(maps, slot.map, slot.element, program)
            .with_context(|| format!("program {}", slot.program))
    })
}

fn set(maps: &[Map], map: usize, element: u32, fd: impl std::os::fd::AsFd) -> Result<()> {
    let map = maps
        .get(map)
        .ok_or_else(|| Error::invalid_input(format!("map {map} of {}", maps.len())))?;
    map.update_fd(&element.to_ne_bytes(), fd, UpdateFlag::Any)
        .with_context(|| format!("element {element}"))
}
