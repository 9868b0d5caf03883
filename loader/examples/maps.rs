//! Fills, reads and empties the hash and per-CPU array maps of an object, and
//! panics where one does not give back what was put in.
//!
//! ```text
//! maps OBJECT
//! ```

use std::collections::BTreeSet;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::map::{Map, UpdateFlag};
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

const HASH: u32 = 1;
const PERCPU_ARRAY: u32 = 6;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let bytes = std::fs::read(&path).map_err(|e| Error::not_found(format!("{path}: {e}")))?;
    let mut spec = ObjectSpec::parse(&path, &bytes)?;
    for program in &mut spec.programs {
        program.kind.autoload = false;
    }
    let object = Object::load(spec, &mut KernelBtf::running(), &LoadOptions::default())?;
    for map in object.maps() {
        match map.map_type() {
            HASH => hash(map)?,
            PERCPU_ARRAY => per_cpu(map)?,
            other => println!("{}: type {other} left alone", map.name()),
        }
    }
    Ok(())
}

/// A key or value of the map's size that starts with a number.
fn bytes_of(number: u32, len: usize) -> Vec<u8> {
    let mut bytes = number.to_ne_bytes().to_vec();
    bytes.resize(len, 0xaa);
    bytes
}

fn hash(map: &Map) -> Result<()> {
    let key = |number| bytes_of(number, map.key_bytes());
    let value = |number| bytes_of(number, map.value_bytes());
    assert_eq!(map.lookup(&key(1))?, None);
    for number in 0..map.max_entries() {
        map.update(&key(number), &value(number), UpdateFlag::NoExist)?;
    }
    assert!(
        map.update(&key(u32::MAX), &value(0), UpdateFlag::Any)
            .is_err(),
        "it is full"
    );
    assert!(map.update(&key(1), &value(1), UpdateFlag::NoExist).is_err());
    assert!(map.lookup(&[]).is_err(), "a key of another size");
    let keys: BTreeSet<_> = map.keys().collect::<Result<_>>()?;
    assert_eq!(keys, (0..map.max_entries()).map(key).collect());
    map.update(&key(1), &value(7), UpdateFlag::Exist)?;
    assert_eq!(map.lookup(&key(1))?, Some(value(7)));
    for key in keys {
        assert!(map.delete(&key)?);
        assert!(!map.delete(&key)?);
    }
    assert_eq!(map.keys().count(), 0);
    println!(
        "{}: hash of {} entries holds",
        map.name(),
        map.max_entries()
    );
    Ok(())
}

fn per_cpu(map: &Map) -> Result<()> {
    let key = bytes_of(1, map.key_bytes());
    let before = map.lookup_per_cpu(&key)?;
    let cpus = before.map_or(0, |values| values.len());
    let values: Vec<_> = (0..cpus as u32)
        .map(|cpu| bytes_of(cpu, map.value_bytes()))
        .collect();
    let slices: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    map.update_per_cpu(&key, &slices, UpdateFlag::Any)?;
    assert_eq!(map.lookup_per_cpu(&key)?, Some(values.clone()));
    assert!(map.lookup(&key).is_err(), "one value is not enough");
    assert!(map.update_per_cpu(&key, &[], UpdateFlag::Any).is_err());
    println!(
        "{}: a value for each of {cpus} CPUs, map {}",
        map.name(),
        map.id()?
    );
    Ok(())
}
