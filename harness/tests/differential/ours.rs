//! Our loader, asked to load an object.

use std::os::fd::{AsFd, AsRawFd};

use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::relo_core::Report;
use trapline_loader::spec::ObjectSpec;

use super::{Loaded, RING_BYTES, RINGBUF, kernel};

/// What our loader gave the kernel, and what it had to say.
pub struct Ours {
    pub loaded: Loaded,
    /// Programs it would not load, and why.
    pub refused: Vec<(String, String)>,
    /// What it left out of the object, and why.
    pub skipped: Vec<(String, String)>,
    /// Names of the programs, by their number in the report.
    pub names: Vec<String>,
    pub report: Report,
}

/// Loads an object with all its programs, but for those that are refused.
pub fn load(name: &str, bytes: &[u8], types: &mut KernelBtf) -> Result<Ours, String> {
    let mut spec = ObjectSpec::parse(name, bytes).map_err(|error| format!("{error:#}"))?;
    for program in &mut spec.programs {
        program.kind.autoload = true;
    }
    let rings = spec.maps.iter_mut().filter(|map| map.map_type == RINGBUF);
    for ring in rings.filter(|ring| ring.max_entries == 0) {
        ring.max_entries = RING_BYTES;
    }
    let names: Vec<String> = spec.programs.iter().map(|p| p.name.clone()).collect();
    let skipped = spec.skipped.clone();
    let options = LoadOptions {
        optional: names.clone(),
        ..LoadOptions::default()
    };
    let object = Object::load(spec, types, &options).map_err(|error| format!("{error:#}"))?;
    let mut loaded = Loaded::default();
    for program in object.programs() {
        let record = kernel::program(program.as_fd().as_raw_fd());
        let record = record.ok_or("a program of ours that was never loaded")?;
        loaded.programs.insert(program.name().to_owned(), record);
    }
    for map in object.maps() {
        loaded.maps.extend(kernel::map(map.as_fd().as_raw_fd()));
    }
    let refused = object.refused().iter();
    let refused = refused.map(|refused| (refused.program.clone(), format!("{:#}", refused.error)));
    Ok(Ours {
        loaded,
        refused: refused.collect(),
        skipped,
        names,
        report: Report {
            relocations: object.relocations().relocations.clone(),
            failed: Vec::new(),
        },
    })
}
