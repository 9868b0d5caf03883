//! Cases about global data, arenas, programs in maps, and maps from elsewhere.

use std::path::Path;

use trapline_loader::ErrorKind;
use trapline_loader::map::{Map, UpdateFlag};
use trapline_loader::object::{LoadOptions, Object};

use super::checks::Checks;
use super::stage::Tried;
use super::triggers::set_domain_name;
use super::{Case, Outcome, Stage};
use crate::loader::stage::{Failure, spec_of};
use crate::sys::{boot, process, space};

/// The folder where a case mounts its BPF file system.
const PINS: &str = "/tmp/pins";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "tail_call_static",
        object: Some("tail_call_static"),
        run: tail_call,
    },
    Case {
        name: "tail_call_later",
        object: Some("tail_call_static"),
        run: tail_call_later,
    },
    Case {
        name: "load_more",
        object: Some("tail_call_static"),
        run: more,
    },
    Case {
        name: "load_ahead",
        object: Some("tail_call_static"),
        run: ahead,
    },
    Case {
        name: "map_pin_reuse",
        object: Some("map_pinned"),
        run: pin_reuse,
    },
    Case {
        name: "map_reuse_given",
        object: Some("map_pinned"),
        run: reuse_given,
    },
    Case {
        name: "map_mmap_globals",
        object: Some("data_sections"),
        run: globals,
    },
    Case {
        name: "map_arena",
        object: Some("arena_globals"),
        run: arena,
    },
    Case {
        name: "map_arena_anywhere",
        object: Some("arena_anywhere"),
        run: arena,
    },
    Case {
        name: "map_arena_pointer",
        object: Some("arena_pointer"),
        run: arena_pointer,
    },
    Case {
        name: "map_memlock",
        object: Some("data_large"),
        run: memlock,
    },
];

/// A program that an array holds from the start is jumped to.
fn tail_call(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut checks = Checks::default();
    let slots = object.map("jumps")?.typed::<u32, u32>()?;
    let target = object.program("target")?.info()?.id;
    checks.equal("element 2", &slots.get(&2)?, &Some(target))?;
    checks.equal("element 1", &slots.get(&1)?, &None)?;
    jumps(&object, &mut checks)?;
    Ok(checks.report("values"))
}

/// The same for one that is loaded after the rest.
fn tail_call_later(stage: &mut Stage<'_>) -> Outcome {
    let mut spec = stage.spec()?;
    spec.program_mut("target")?.kind.autoload = false;
    let mut object = stage.load_spec(spec)?;
    let mut checks = Checks::default();
    let found = object.map("jumps")?.typed::<u32, u32>()?.get(&2)?;
    checks.equal("element 2 without a program", &found, &None)?;
    object.load_program("target")?;
    jumps(&object, &mut checks)?;
    Ok(checks.report("values"))
}

/// The same for one that comes from the file in a second portion; that of another file is none.
fn more(stage: &mut Stage<'_>) -> Outcome {
    let mut spec = stage.spec()?;
    spec.program_mut("target")?.kind.autoload = false;
    let mut object = stage.load_spec(spec)?;
    object.forget_waiting();
    let mut checks = Checks::default();
    let forgotten = object
        .load_program("target")
        .map(|_| ())
        .map_err(|error| error.kind());
    checks.equal(
        "one that is forgotten",
        &forgotten,
        &Err(ErrorKind::NotFound),
    )?;
    let mut spec = stage.spec()?;
    spec.programs.retain(|program| program.name == "target");
    object.load_more(spec, stage.kernel(), &LoadOptions::default())?;
    let strange = object.load_more(
        spec_of("map_hash")?,
        stage.kernel(),
        &LoadOptions::default(),
    );
    let strange = strange.map_err(|error| error.kind());
    checks.equal("of another file", &strange, &Err(ErrorKind::InvalidInput))?;
    checks.equal("programs", &object.programs().len(), &2)?;
    jumps(&object, &mut checks)?;
    Ok(checks.report("values"))
}

/// Both at once on two threads, and one that is not in the object.
fn ahead(stage: &mut Stage<'_>) -> Outcome {
    let mut spec = stage.spec()?;
    for program in &mut spec.programs {
        program.kind.autoload = false;
    }
    let order: Vec<_> = spec.programs.iter().map(|it| it.name.clone()).collect();
    let mut object = stage.load_spec(spec)?;
    let mut checks = Checks::default();
    object.load_ahead(&["entry", "nobody", "target"], 2)?;
    let names: Vec<_> = object.programs().iter().map(|it| it.name()).collect();
    checks.equal("programs", &names, &order.iter().map(|it| &**it).collect())?;
    object.load_ahead(&["target"], 2)?;
    checks.equal("programs again", &object.programs().len(), &2)?;
    let nobody = object.load_program("nobody").map(|_| ());
    let nobody = nobody.map_err(|error| error.kind());
    checks.equal("one that is not there", &nobody, &Err(ErrorKind::NotFound))?;
    jumps(&object, &mut checks)?;
    Ok(checks.report("values"))
}

fn jumps(object: &Object, checks: &mut Checks) -> Result<(), Failure> {
    let hits = object.data_with("hits")?;
    checks.equal("no jump before", &hits.get("hits")?, &0u64)?;
    let _link = object.program("entry")?.attach()?;
    set_domain_name()?;
    checks.holds("jumps", hits.get::<u64>("hits")? > 0)
}

/// A mount namespace with a BPF file system of its own.
fn own_pins() -> Result<(), Failure> {
    space::unshare(libc::CLONE_NEWNS).tried("unshare")?;
    std::fs::create_dir_all(PINS).tried("create the folder of pins")?;
    boot::mount("bpf", PINS, "bpf", "").tried("mount a BPF file system")
}

/// A pinned map is found again with what is in it, unless it is another.
fn pin_reuse(stage: &mut Stage<'_>) -> Outcome {
    own_pins()?;
    let mut checks = Checks::default();
    let options = LoadOptions {
        // A folder that is not there yet.
        pin_root: Some(Path::new(PINS).join("below")),
        ..LoadOptions::default()
    };
    let object = stage.load_spec_with(stage.spec()?, &options)?;
    let map = object.map("pinned_map")?;
    map.typed::<u32, u64>()?.insert(&3, &77, UpdateFlag::Any)?;
    let id = map.id()?;
    drop(object);
    let object = stage.load_spec_with(stage.spec()?, &options)?;
    let map = object.map("pinned_map")?;
    let value = map.typed::<u32, u64>()?.get(&3)?;
    checks.equal("what the first run left", &value, &Some(77))?;
    checks.equal("the same map", &map.id()?, &id)?;
    let mut larger = stage.spec()?;
    larger.map_mut("pinned_map")?.max_entries += 1;
    let refused = match stage.load_spec_with(larger, &options) {
        Err(Failure::Loader(error)) => format!("{error:#}"),
        other => format!("{other:?}"),
    };
    let named = refused.contains("max_entries is 64, the object asks for 65");
    checks.holds(&refused, named)?;
    let path = Path::new(PINS).join("below/pinned_map");
    checks.equal("by its path", &Map::from_pin(&path)?.id()?, &id)?;
    checks.refused("a path that is taken", map.pin(&path))?;
    let second = Path::new(PINS).join("second");
    map.pin(&second)?;
    map.unpin(&second)?;
    checks.refused("a path that is free again", Map::from_pin(&second))?;
    checks.refused("no BPF file system", map.pin("/tmp/elsewhere"))?;
    Ok(checks.report("pin"))
}

/// A map of the caller's takes the place of the object's own.
fn reuse_given(stage: &mut Stage<'_>) -> Outcome {
    let spec = || -> Result<_, Failure> {
        let mut spec = stage.spec()?;
        spec.map_mut("pinned_map")?.pinning = 0;
        Ok(spec)
    };
    let (first, second, mut wider) = (spec()?, spec()?, spec()?);
    let mut checks = Checks::default();
    let given = stage.load_spec(first)?;
    let given = given.map("pinned_map")?;
    let options = LoadOptions::default().reuse_map("pinned_map", given)?;
    let object = stage.load_spec_with(second, &options)?;
    let map = object.map("pinned_map")?;
    checks.equal("the same map", &map.id()?, &given.id()?)?;
    let _link = object.program("look_up")?.attach()?;
    set_domain_name()?;
    let counted = given.typed::<u32, u64>()?.get(&1)?;
    let counted = counted.is_some_and(|count| count > 0);
    checks.holds("the program counts in it", counted)?;
    wider.map_mut("pinned_map")?.value_size = 16;
    wider.map_mut("pinned_map")?.value_type_id = 0;
    checks.refused(
        "values of another size",
        stage.load_spec_with(wider, &options),
    )?;
    Ok(checks.report("given"))
}

/// Variables through memory: constants, written ones, those of other sections.
fn globals(stage: &mut Stage<'_>) -> Outcome {
    let mut spec = stage.spec()?;
    spec.set_global("step", &5u32.to_ne_bytes())?;
    let object = stage.load_spec(spec)?;
    let mut checks = Checks::default();
    let total = object.data(".bss")?;
    checks.holds("it is mapped", total.is_mapped())?;
    let constants = object.data(".rodata")?;
    checks.equal("a constant", &constants.get("step")?, &5u32)?;
    checks.refused("writing a constant", constants.set("step", &1u32))?;
    let unseen = object.data(".data.unseen")?;
    checks.holds_not("mapped", unseen.is_mapped())?;
    checks.equal("what nobody sees", &unseen.get("unseen")?, &7u32)?;
    unseen.set("unseen", &1u32)?;
    object.data(".data.custom")?.set("custom", &2u32)?;
    object.data(".data")?.set("scale", &10u32)?;
    let runs = object.data_with("runs")?;
    checks.equal("no runs before", &runs.get("runs")?, &0u64)?;
    let link = object.program("count")?.attach()?;
    set_domain_name()?;
    link.detach()?;
    let counted: u64 = runs.get("runs")?;
    checks.holds("runs", counted > 0)?;
    // Until the limit is reached, and no further.
    let added = 5 * 10 + 2 + 1;
    let expected = (added * counted).min(1000u64.next_multiple_of(added));
    checks.equal("their sum", &total.get("total")?, &expected)?;
    checks.refused("another size", total.get::<u32>("total"))?;
    checks.refused("another name", total.get::<u32>("scale"))?;
    Ok(checks.report("mmap"))
}

/// Global variables in an arena: both sides see what the other writes.
fn arena(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut checks = Checks::default();
    let data = object.data("arena")?;
    checks.equal("from the object", &data.get("counter")?, &5u64)?;
    data.set("counter", &1000u64)?;
    let link = object.program("count")?.attach()?;
    set_domain_name()?;
    link.detach()?;
    let counter: u64 = data.get("counter")?;
    let added = counter > 1000 && counter.is_multiple_of(2);
    checks.holds("what the program adds", added)?;
    Ok(checks.report("mmap"))
}

/// A pointer into an arena that user space makes.
fn arena_pointer(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let mut checks = Checks::default();
    let memory = object.map("arena")?.memory()?;
    checks.equal("its address", &memory.address(), &(1 << 44))?;
    let place = 3 * 4096 + 16;
    memory.write(place, &1u64.to_ne_bytes())?;
    object.data(".bss")?.set("offset", &(place as u32))?;
    let link = object.program("store")?.attach()?;
    set_domain_name()?;
    link.detach()?;
    let mut stored = [0; 8];
    memory.read(place, &mut stored)?;
    checks.equal("what was stored", &u64::from_ne_bytes(stored), &7)?;
    Ok(checks.report("mmap"))
}

/// Kernels before 5.11 count maps as locked memory, of which there is little.
fn memlock(stage: &mut Stage<'_>) -> Outcome {
    process::limit_memlock(64 << 10).tried("limit locked memory")?;
    let object = stage.load()?;
    let mut checks = Checks::default();
    checks.equal("the programs", &object.programs().len(), &1)?;
    checks.equal("the large map", &object.map(".bss")?.value_bytes(), &65_540)?;
    let limits = std::fs::read_to_string("/proc/self/limits").tried("read the limits")?;
    let limit = limits
        .lines()
        .find(|line| line.starts_with("Max locked memory"));
    let was_lifted = limit.is_some_and(|limit| limit.contains("unlimited"));
    Ok(checks.report(if was_lifted { "lifted" } else { "as it was" }))
}
