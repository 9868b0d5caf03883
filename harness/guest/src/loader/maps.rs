//! Cases about maps: what they hold, how they are reached, and where from.

use std::fs::File;
use std::os::fd::AsRawFd;

use trapline_loader::map::{Elements, Map, UpdateFlag};

use super::checks::Checks;
use super::triggers::set_domain_name;
use super::{Case, Outcome, Stage};
use crate::loader::stage::{Failure, Tried};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "map_access",
        object: Some("map_hash"),
        run: access,
    },
    Case {
        name: "map_batch",
        object: Some("map_hash"),
        run: batch,
    },
    Case {
        name: "map_batch_trie",
        object: Some("map_lpm_trie"),
        run: batch,
    },
    Case {
        name: "map_per_cpu",
        object: Some("map_percpu_hash"),
        run: per_cpu,
    },
    Case {
        name: "map_spin_lock",
        object: Some("map_spin_lock"),
        run: spin_lock,
    },
    Case {
        name: "map_queue",
        object: Some("map_queue"),
        run: queue,
    },
    Case {
        name: "map_bloom",
        object: Some("map_extra"),
        run: bloom,
    },
    Case {
        name: "map_legacy",
        object: Some("map_legacy"),
        run: legacy,
    },
    Case {
        name: "map_legacy_typed",
        object: Some("map_legacy_typed"),
        run: spin_lock,
    },
    Case {
        name: "map_inode_storage",
        object: Some("map_inode_storage"),
        run: inode_storage,
    },
    Case {
        name: "map_in_map",
        object: Some("map_of_maps_static"),
        run: map_in_map,
    },
    Case {
        name: "map_in_map_hash",
        object: Some("map_hash_of_maps_static"),
        run: map_in_map,
    },
    Case {
        name: "map_memory",
        object: Some("map_mmapable"),
        run: memory,
    },
];

/// The object's map `a_map`, its programs left out.
fn with_map(
    stage: &mut Stage<'_>,
    check: impl FnOnce(&Map, &mut Checks) -> Result<(), Failure>,
) -> Outcome {
    let mut spec = stage.spec()?;
    for program in &mut spec.programs {
        program.kind.autoload = false;
    }
    let object = stage.load_spec(spec)?;
    let mut checks = Checks::default();
    check(object.map("a_map")?, &mut checks)?;
    Ok(checks.report("map"))
}

/// A key or value of a size that starts with a number.
fn bytes_of(number: u32, len: usize) -> Vec<u8> {
    let mut bytes = number.to_ne_bytes().to_vec();
    bytes.resize(len, 0xaa);
    bytes
}

/// Elements one by one, with types and without, until nothing may change.
fn access(stage: &mut Stage<'_>) -> Outcome {
    with_map(stage, |map, checks| {
        let typed = map.typed::<u32, u64>()?;
        checks.equal("an empty map", &typed.get(&1)?, &None)?;
        for key in 0..map.max_entries() {
            typed.insert(&key, &(u64::from(key) << 33), UpdateFlag::NoExist)?;
        }
        checks.refused("a full map", typed.insert(&99, &0, UpdateFlag::Any))?;
        checks.refused("a key twice", typed.insert(&1, &0, UpdateFlag::NoExist))?;
        checks.refused("a key of another size", map.lookup(&[]))?;
        let sum = typed.iter().map(|element| element.map(|(_, value)| value));
        let sum: u64 = sum.sum::<Result<_, _>>()?;
        checks.equal("all values", &sum, &((63 * 64 / 2) << 33))?;
        checks.equal("taken out", &typed.remove(&3)?, &Some(3 << 33))?;
        checks.equal("taken out twice", &typed.remove(&3)?, &None)?;
        checks.holds("a key deleted", map.delete(&4u32.to_ne_bytes())?)?;
        let again = Map::from_id(map.id()?)?;
        checks.equal("its name by number", &again.name(), &"a_map")?;
        checks.equal("keys by number", &again.keys().count(), &62)?;
        map.freeze()?;
        checks.refused("a frozen map", typed.insert(&5, &0, UpdateFlag::Any))?;
        checks.equal("a frozen value", &typed.get(&5)?, &Some(5 << 33))
    })
}

/// Half of what fits, in and out by batches; types without batches one by one.
fn batch(stage: &mut Stage<'_>) -> Outcome {
    const LPM_TRIE: u32 = 11;
    with_map(stage, |map, checks| {
        let mut elements = Elements::new(map.key_bytes(), map.element_bytes());
        let key = |number: u32| match map.map_type() {
            LPM_TRIE => [32u32.to_ne_bytes(), number.to_be_bytes()].concat(),
            _ => number.to_ne_bytes().to_vec(),
        };
        for number in 0..map.max_entries() / 2 {
            elements.push(&key(number), &bytes_of(number, map.element_bytes()))?;
        }
        let sorted = |elements: &Elements| {
            let mut all: Vec<_> = elements
                .iter()
                .map(|(k, v)| (k.to_vec(), v.to_vec()))
                .collect();
            all.sort();
            all
        };
        map.update_batch(&elements, UpdateFlag::Any)?;
        let twice = map.update_batch(&elements, UpdateFlag::NoExist);
        checks.refused("the same keys again", twice)?;
        let found = sorted(&map.lookup_batch()?);
        checks.equal("all elements", &found, &sorted(&elements))?;
        let three = [key(1), key(2), key(3)].concat();
        checks.equal("three deleted", &map.delete_batch(&three)?, &3)?;
        let mixed = [key(3), key(4)].concat();
        checks.equal("one of them again", &map.delete_batch(&mixed)?, &1)?;
        let rest = map.lookup_and_delete_batch()?;
        checks.equal("the rest", &rest.len(), &(elements.len() - 4))?;
        checks.equal("nothing left", &map.lookup_batch()?.len(), &0)
    })
}

/// One value for each CPU.
fn per_cpu(stage: &mut Stage<'_>) -> Outcome {
    with_map(stage, |map, checks| {
        let key = 1u32.to_ne_bytes();
        let cpus = map.element_bytes() / 8;
        let values: Vec<_> = (0..cpus as u32).map(|cpu| bytes_of(cpu, 8)).collect();
        let slices: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        map.update_per_cpu(&key, &slices, UpdateFlag::Any)?;
        let all = Some(values);
        checks.equal("a value for each CPU", &map.lookup_per_cpu(&key)?, &all)?;
        checks.refused("one value", map.lookup(&key))?;
        let elements = map.lookup_batch()?;
        checks.equal("one element", &elements.len(), &1)?;
        map.update_batch(&elements, UpdateFlag::Exist)?;
        let taken = map.lookup_and_delete_per_cpu(&key)?;
        checks.equal("taken out", &taken, &all)?;
        checks.equal("gone", &map.lookup_per_cpu(&key)?, &None)
    })
}

/// A value is copied under its lock, which itself stays in the kernel.
fn spin_lock(stage: &mut Stage<'_>) -> Outcome {
    with_map(stage, |map, checks| {
        let key = 1u32.to_ne_bytes();
        let value = |byte: u8| [vec![0; 4], vec![byte; 8]].concat();
        map.update(&key, &[1; 12], UpdateFlag::Any)?;
        let found = map.lookup_locked(&key)?;
        checks.equal("all but the lock", &found, &Some(value(1)))?;
        map.update_locked(&key, &value(2), UpdateFlag::Exist)?;
        checks.equal("what was written", &map.lookup(&key)?, &Some(value(2)))
    })
}

/// First in, first out.
fn queue(stage: &mut Stage<'_>) -> Outcome {
    with_map(stage, |map, checks| {
        let queue = map.typed::<(), u64>()?;
        checks.equal("an empty queue", &queue.pop()?, &None)?;
        for value in 0..u64::from(map.max_entries()) {
            queue.push(&value, UpdateFlag::Any)?;
        }
        checks.refused("a full queue", queue.push(&99, UpdateFlag::Any))?;
        queue.push(&99, UpdateFlag::Exist)?;
        let next = map.peek()?;
        checks.equal("the next", &next, &Some(1u64.to_ne_bytes().to_vec()))?;
        checks.equal("the first", &queue.pop()?, &Some(1))?;
        checks.equal("the second", &queue.pop()?, &Some(2))
    })
}

/// With three hashes (`map_extra`), what is not in it is mostly not found.
fn bloom(stage: &mut Stage<'_>) -> Outcome {
    with_map(stage, |map, checks| {
        checks.equal("hashes", &Map::from_id(map.id()?)?.map_extra(), &3)?;
        map.push(&7u64.to_ne_bytes(), UpdateFlag::Any)?;
        let contains = |value: u64| map.may_contain(&value.to_ne_bytes());
        checks.holds("what is in it", contains(7)?)?;
        let others = (8..40).map(contains).collect::<Result<Vec<_>, _>>()?;
        let wrong = others.iter().filter(|found| **found).count();
        checks.holds("most others are not", wrong < 8)
    })
}

/// A map without types, counted in by a program.
fn legacy(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut checks = Checks::default();
    let map = object.map("a_map")?.typed::<u32, u64>()?;
    map.insert(&1, &0, UpdateFlag::NoExist)?;
    let _link = object.program("look_up")?.attach()?;
    set_domain_name()?;
    let counted = map.get(&1)?.is_some_and(|value| value > 0);
    checks.holds("it was counted in", counted)?;
    Ok(checks.report("maps"))
}

/// A value at the inode of a file: user space finds it by a descriptor, and the
/// program counts there how often the file is opened.
fn inode_storage(stage: &mut Stage<'_>) -> Outcome {
    const PATH: &str = "/tmp/trapline-inode";
    std::fs::create_dir_all("/tmp").tried("make /tmp")?;
    let file = File::create(PATH).tried("create a file")?;
    let object = stage.load()?;
    let mut checks = Checks::default();
    // First: without the security hooks of BPF, inodes have no room for values.
    let link = object.program("count")?.attach()?;
    let map = object.map("a_map")?.typed::<i32, u64>()?;
    let key = file.as_raw_fd();
    checks.equal("before", &map.get(&key)?, &None)?;
    map.insert(&key, &40, UpdateFlag::NoExist)?;
    for _ in 0..2 {
        File::open(PATH).tried("open the file")?;
    }
    link.detach()?;
    File::open(PATH).tried("open the file")?;
    checks.equal("opened twice", &map.get(&key)?, &Some(42))?;
    let other = File::open("/proc/version").tried("/proc/version")?;
    checks.equal("another file", &map.get(&other.as_raw_fd())?, &None)?;
    checks.equal("taken out", &map.remove(&key)?, &Some(42))?;
    checks.equal("gone", &map.get(&key)?, &None)?;
    Ok(checks.report("map"))
}

/// Maps that a map holds from the start: the program finds the second one.
fn map_in_map(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut checks = Checks::default();
    let [outer, first, second] = ["outer", "first", "second"].map(|name| object.map(name));
    let (outer, first, second) = (outer?, first?, second?);
    let ids = outer.typed::<u32, u32>()?;
    checks.equal("element 1", &ids.get(&1)?, &Some(second.id()?))?;
    checks.equal("element 3", &ids.get(&3)?, &Some(first.id()?))?;
    checks.equal("element 2", &ids.get(&2)?, &None)?;
    let _link = object.program("look_up")?.attach()?;
    set_domain_name()?;
    let count = |map: &Map| Ok::<_, Failure>(map.typed::<u32, u64>()?.get(&1)?);
    let counted = count(second)?.is_some_and(|count| count > 0);
    checks.holds("the second was counted in", counted)?;
    checks.equal("the first was not", &count(first)?, &Some(0))?;
    // Its place is taken by the other; the program does not notice.
    outer.update_fd(&1u32.to_ne_bytes(), first, UpdateFlag::Any)?;
    set_domain_name()?;
    let counted = count(first)?.is_some_and(|count| count > 0);
    checks.holds("then it was", counted)?;
    Ok(checks.report("values"))
}

/// An array's values through memory.
fn memory(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut checks = Checks::default();
    let map = object.map("a_map")?;
    let memory = map.memory()?;
    memory.write(2 * 8, &9u64.to_ne_bytes())?;
    let value = map.typed::<u32, u64>()?.get(&2)?;
    checks.equal("what memory wrote", &value, &Some(9))?;
    let _link = object.program("look_up")?.attach()?;
    set_domain_name()?;
    let mut count = [0; 8];
    memory.read(8, &mut count)?;
    let counted = u64::from_ne_bytes(count) > 0;
    checks.holds("what the program wrote", counted)?;
    let outside = memory.read(memory.bytes() - 7, &mut count);
    checks.refused("a range that ends outside", outside)?;
    Ok(checks.report("mmap"))
}
