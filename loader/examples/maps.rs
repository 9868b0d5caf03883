//! Fills, reads and empties the maps of objects in every way there is, and
//! panics where one does not give back what was put in.
//!
//! ```text
//! maps OBJECT...
//! ```

use std::collections::BTreeSet;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::map::{Elements, Map, UpdateFlag};
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::spec::ObjectSpec;
use trapline_loader::{Error, Result};

fn main() -> Result<()> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).map_err(|e| Error::not_found(format!("{path}: {e}")))?;
        let mut spec = ObjectSpec::parse(&path, &bytes)?;
        for program in &mut spec.programs {
            program.kind.autoload = false;
        }
        let object = Object::load(spec, &mut KernelBtf::running(), &LoadOptions::default())?;
        for map in object.maps() {
            let what = check(map)?;
            println!("{path}: {} of type {}: {what}", map.name(), map.map_type());
        }
    }
    Ok(())
}

fn check(map: &Map) -> Result<&'static str> {
    Ok(match map.map_type() {
        _ if !map.variables().is_empty() => {
            data(map)?;
            "variables hold"
        }
        1 if locked(map)? => "elements hold under their lock",
        1 | 9 => {
            hash(map)?;
            batches(map)?;
            "elements hold, one by one and in batches"
        }
        2 if map.flags() & 1 << 7 == 0 => {
            array(map)?;
            "elements hold, also in memory"
        }
        5 | 10 | 6 => {
            per_cpu(map)?;
            "a value for each CPU holds"
        }
        11 => {
            batches(map)?;
            "elements hold"
        }
        22 | 23 => {
            queue(map, map.map_type() == 23)?;
            "values come out in their order"
        }
        30 => {
            bloom(map)?;
            "what is in it is found"
        }
        _ => "left alone",
    })
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
    // One that forgets does so before it is full.
    let forgets = map.map_type() == 9;
    let count = if forgets { 4 } else { map.max_entries() };
    assert_eq!(map.lookup(&key(1))?, None);
    for number in 0..count {
        map.update(&key(number), &value(number), UpdateFlag::NoExist)?;
    }
    if !forgets {
        let full = map.update(&key(u32::MAX), &value(0), UpdateFlag::Any);
        assert!(full.is_err(), "it is full");
    }
    assert!(map.update(&key(1), &value(1), UpdateFlag::NoExist).is_err());
    assert!(map.lookup(&[]).is_err(), "a key of another size");
    let keys: BTreeSet<_> = map.keys().collect::<Result<_>>()?;
    assert_eq!(keys, (0..count).map(key).collect());
    map.update(&key(1), &value(7), UpdateFlag::Exist)?;
    assert_eq!(map.lookup(&key(1))?, Some(value(7)));
    assert_eq!(map.lookup_and_delete(&key(1))?, Some(value(7)));
    assert_eq!(map.lookup_and_delete(&key(1))?, None);
    for key in keys.into_iter().filter(|found| *found != key(1)) {
        assert!(map.delete(&key)?);
        assert!(!map.delete(&key)?);
    }
    assert_eq!(map.keys().count(), 0);
    if (map.key_bytes(), map.value_bytes()) == (4, 8) {
        let typed = map.typed::<u32, u64>()?;
        typed.insert(&3, &(1 << 40), UpdateFlag::Any)?;
        assert_eq!(typed.iter().collect::<Result<Vec<_>>>()?, [(3, 1 << 40)]);
        assert_eq!(typed.remove(&3)?, Some(1 << 40));
        assert_eq!(typed.get(&3)?, None);
    }
    assert!(map.typed::<u16, u64>().is_err());
    Ok(())
}

/// Values with a spin lock, which never leaves the kernel; `false` where they
/// have none.
fn locked(map: &Map) -> Result<bool> {
    let key = bytes_of(1, map.key_bytes());
    map.update(&key, &vec![1; map.value_bytes()], UpdateFlag::Any)?;
    let value = map.lookup_locked(&key);
    if let Ok(value) = &value {
        assert_eq!(value.as_deref().map(|value| &value[..4]), Some(&[0; 4][..]));
        map.update_locked(&key, &vec![2; map.value_bytes()], UpdateFlag::Exist)?;
        let value = map.lookup_locked(&key)?;
        assert!(value.is_some_and(|value| value[4..].iter().all(|byte| *byte == 2)));
    }
    map.delete(&key)?;
    Ok(value.is_ok())
}

/// The same elements by batches and one by one.
fn batches(map: &Map) -> Result<()> {
    let count = map.max_entries() / 2;
    let mut elements = Elements::new(map.key_bytes(), map.element_bytes());
    for number in 0..count {
        let mut key = bytes_of(number, map.key_bytes());
        if map.map_type() == 11 {
            // The length of a prefix, all of it, comes first.
            key = [32u32.to_ne_bytes(), number.to_be_bytes()].concat();
        }
        elements.push(&key, &bytes_of(number, map.element_bytes()))?;
    }
    let sorted = |elements: &Elements| -> BTreeSet<(Vec<u8>, Vec<u8>)> {
        let pairs = elements.iter();
        pairs
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect()
    };
    map.update_batch(&elements, UpdateFlag::Any)?;
    assert!(map.update_batch(&elements, UpdateFlag::NoExist).is_err());
    assert_eq!(sorted(&map.lookup_batch()?), sorted(&elements));
    let singly = map.iter().collect::<Result<BTreeSet<_>>>()?;
    assert_eq!(singly, sorted(&elements));
    let keys: Vec<u8> = elements
        .iter()
        .take(3)
        .flat_map(|(key, _)| key.to_vec())
        .collect();
    let twice = [keys.clone(), keys].concat();
    assert_eq!(map.delete_batch(&twice)?, 3, "those that were there");
    let rest = map.lookup_and_delete_batch()?;
    assert_eq!(rest.len(), elements.len() - 3);
    assert!(map.lookup_batch()?.is_empty());
    Ok(())
}

fn array(map: &Map) -> Result<()> {
    let all = map.lookup_batch()?;
    assert_eq!(all.len(), map.max_entries() as usize);
    map.update_batch(&all, UpdateFlag::Any)?;
    assert!(
        map.delete_batch(&[0; 4]).is_err(),
        "elements of arrays stay"
    );
    let value = bytes_of(9, map.value_bytes());
    map.update(&1u32.to_ne_bytes(), &value, UpdateFlag::Any)?;
    if map.flags() & 1 << 10 == 0 {
        assert!(map.memory().is_err());
        return Ok(());
    }
    let memory = map.memory()?;
    let stride = map.value_bytes().next_multiple_of(8);
    let mut read = vec![0; map.value_bytes()];
    memory.read(stride, &mut read)?;
    assert_eq!(read, value);
    memory.write(2 * stride, &value)?;
    assert_eq!(map.lookup(&2u32.to_ne_bytes())?, Some(value));
    assert!(memory.read(memory.bytes(), &mut [0]).is_err());
    Ok(())
}

fn per_cpu(map: &Map) -> Result<()> {
    let key = bytes_of(1, map.key_bytes());
    let cpus = map.element_bytes() / map.value_bytes().next_multiple_of(8);
    let values: Vec<_> = (0..cpus as u32)
        .map(|cpu| bytes_of(cpu, map.value_bytes()))
        .collect();
    let slices: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    map.update_per_cpu(&key, &slices, UpdateFlag::Any)?;
    assert_eq!(map.lookup_per_cpu(&key)?, Some(values.clone()));
    assert!(map.lookup(&key).is_err(), "one value is not enough");
    assert!(map.update_per_cpu(&key, &[], UpdateFlag::Any).is_err());
    let all = map.lookup_batch()?;
    let (_, element) = all.iter().find(|(found, _)| *found == key).unwrap();
    assert_eq!(&element[..map.value_bytes()], values[0]);
    map.update_batch(&all, UpdateFlag::Any)?;
    if map.map_type() != 6 {
        assert_eq!(map.lookup_and_delete_per_cpu(&key)?, Some(values));
        assert_eq!(map.lookup_per_cpu(&key)?, None);
    }
    Ok(())
}

fn queue(map: &Map, last_first: bool) -> Result<()> {
    let queue = map.typed::<(), u64>()?;
    assert_eq!((queue.pop()?, map.peek()?), (None, None));
    for value in 0..u64::from(map.max_entries()) {
        queue.push(&value, UpdateFlag::Any)?;
    }
    assert!(queue.push(&99, UpdateFlag::Any).is_err(), "it is full");
    queue.push(&99, UpdateFlag::Exist)?;
    let next = if last_first { 99u64 } else { 1 };
    assert_eq!(map.peek()?, Some(next.to_ne_bytes().to_vec()));
    assert_eq!(queue.pop()?, Some(next));
    Ok(())
}

fn bloom(map: &Map) -> Result<()> {
    let value = bytes_of(7, map.value_bytes());
    assert!(!map.may_contain(&value)?);
    map.push(&value, UpdateFlag::Any)?;
    assert!(map.may_contain(&value)?);
    Ok(())
}

fn data(map: &Map) -> Result<()> {
    let data = map.data()?;
    for variable in map.variables() {
        let before = data.read(&variable.name)?;
        if map.name().starts_with(".rodata") {
            assert!(data.write(&variable.name, &before).is_err(), "constants");
            continue;
        }
        let other: Vec<u8> = before.iter().map(|byte| !byte).collect();
        data.write(&variable.name, &other)?;
        assert_eq!(data.read(&variable.name)?, other);
        assert_eq!(map.data()?.read(&variable.name)?, other);
        data.write(&variable.name, &before)?;
        assert!(data.write(&variable.name, &[]).is_err());
    }
    assert!(data.read("no_such_variable").is_err());
    Ok(())
}
