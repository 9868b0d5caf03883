//! What maps hold from the start: `.values = { &inner, [3] = &program }`.
//!
//! Each element is a pointer, so a relocation of `.maps` says what it is.

use super::maps::{PROG_ARRAY, is_map_of_maps};
use super::places::MapPlaces;
use super::types::{MapSpec, MapValue};
use crate::elf::{Elf, Relocation};
use crate::error::{Error, Result, ResultExt};

/// Bytes of a pointer in an object.
const POINTER_BYTES: u64 = 8;

/// A variable of `.maps` whose map could be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub offset: u32,
    pub size: u32,
    /// Index of its map.
    pub map: usize,
    /// Byte offset of `values` in it.
    pub values: Option<u32>,
}

/// Notes for each map what it holds. `variables` are those of the section, by
/// offset; what is wrong with one element goes to `skip`.
pub(super) fn collect(
    elf: &Elf<'_>,
    section: usize,
    variables: &[Place],
    places: &MapPlaces,
    specs: &mut [MapSpec],
    mut skip: impl FnMut(&Error),
) -> Result<()> {
    for relocation in elf.relocations(section)? {
        let after = variables.partition_point(|at| u64::from(at.offset) <= relocation.offset);
        let variable = after.checked_sub(1).and_then(|at| variables.get(at));
        // A map that could not be read has been reported.
        let Some((variable, spec)) = variable
            .filter(|at| relocation.offset - u64::from(at.offset) < u64::from(at.size))
            .and_then(|at| Some((at, specs.get_mut(at.map)?)))
        else {
            continue;
        };
        let found = element(elf, section, variable, places, spec, &relocation);
        match found.with_context(|| format!("map {}", spec.name)) {
            Ok(element) => spec.values.push(element),
            Err(error) => skip(&error),
        }
    }
    Ok(())
}

/// One element: its number and what it is.
fn element(
    elf: &Elf<'_>,
    section: usize,
    variable: &Place,
    places: &MapPlaces,
    spec: &MapSpec,
    relocation: &Relocation,
) -> Result<(u32, MapValue)> {
    let within = relocation.offset - u64::from(variable.offset);
    let values = variable.values.map(u64::from);
    let at = values.and_then(|values| within.checked_sub(values));
    let at = at
        .filter(|at| at % POINTER_BYTES == 0 && within + POINTER_BYTES <= u64::from(variable.size));
    let number = at.and_then(|at| u32::try_from(at / POINTER_BYTES).ok());
    let number = number.ok_or_else(|| {
        Error::malformed(format!("a pointer at byte {within}, which is no element"))
    })?;
    let value = value(elf, section, places, spec, relocation);
    Ok((number, value.with_context(|| format!("element {number}"))?))
}

fn value(
    elf: &Elf<'_>,
    section: usize,
    places: &MapPlaces,
    spec: &MapSpec,
    relocation: &Relocation,
) -> Result<MapValue> {
    let symbol = elf
        .symbol(relocation.symbol)
        .ok_or_else(|| Error::malformed(format!("symbol {} does not exist", relocation.symbol)))?;
    if spec.map_type == PROG_ARRAY {
        return match symbol.is_function() && symbol.is_global {
            true => Ok(MapValue::Program(symbol.name.to_owned())),
            false => Err(Error::invalid_input(format!(
                "symbol {} is no program",
                symbol.name
            ))),
        };
    }
    if !is_map_of_maps(spec.map_type) || symbol.section != Some(section) {
        return Err(Error::invalid_input(format!(
            "symbol {} is no map",
            symbol.name
        )));
    }
    if spec.key_size != 4 {
        return Err(Error::invalid_input(format!(
            "elements have numbers of four bytes for keys, not of {}",
            spec.key_size
        )));
    }
    match places.defined(section, symbol.value) {
        Some(Ok(map)) => Ok(MapValue::Map(*map)),
        Some(Err(reason)) => Err(Error::not_found(reason.clone())),
        None => Err(Error::not_found(format!(
            "symbol {} is no map",
            symbol.name
        ))),
    }
}
