//! What our loader gives a kernel, and what libbpf gives it: the same.
//!
//! Every object of ours and of the corpus is loaded by both, against the types
//! of every kernel of the matrix, into a kernel that takes everything and
//! remembers it (see [`kernel`]). Relocated instructions, function and line
//! records, types, flags and hooks of programs and the definitions and contents
//! of maps have to be equal, byte for byte. Where they are not on purpose,
//! [`intended`] says why.
//!
//! One row per object. No privileges, and nothing reaches the real kernel.

mod compare;
mod functions;
mod intended;
mod interpose;
mod kernel;
mod libbpf;
mod ours;
mod records;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::{Arc, LazyLock};

use libtest_mimic::{Arguments, Failed, Trial};
use trapline_harness::btf;
use trapline_harness::host;
use trapline_harness::kernels::{Lock, Store};
use trapline_harness::progress::Progress;
use trapline_loader::kernel_btf::KernelBtf;

/// BPF_MAP_TYPE_RINGBUF.
const RINGBUF: u32 = 27;
/// The size of a ring buffer whose own program would give it one.
const RING_BYTES: u32 = 1 << 20;

/// What a loader gave the kernel.
#[derive(Default)]
pub(crate) struct Loaded {
    /// By full name.
    pub(crate) programs: BTreeMap<String, records::ProgRecord>,
    pub(crate) maps: Vec<records::MapRecord>,
}

/// The types of one kernel.
pub(crate) struct Types {
    pub(crate) series: String,
    pub(crate) path: PathBuf,
}

thread_local! {
    /// Our reading of each kernel's types, kept from object to object.
    static READ: RefCell<BTreeMap<String, KernelBtf>> = const { RefCell::new(BTreeMap::new()) };
}

/// The argument of the process whose kernel reads no tags: libbpf remembers what
/// a kernel can do for as long as it runs.
const READS_NO_TAGS: &str = "--reads-no-tags";
/// The object with such tags.
const TAGGED: &str = "code_arg_ctx";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(READS_NO_TAGS) {
        return tagged_alone();
    }
    let mut arguments = Arguments::from_args();
    // What is measured in seconds is split over the processors.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let kernels = match kernel_types() {
        Ok(kernels) => Arc::new(kernels),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    libbpf::listen();
    let trials = objects().map(|(name, bytes)| {
        let kernels = Arc::clone(&kernels);
        Trial::test(format!("differential::{name}"), move || {
            compare_on_all(name, bytes, &kernels)
        })
    });
    let mut trials: Vec<Trial> = trials.collect();
    trials.extend(LINKED.iter().map(|(name, parts)| {
        let kernels = Arc::clone(&kernels);
        Trial::test(format!("differential::{name}"), move || {
            let bytes = linked(parts)?;
            compare_on_all(name, &bytes, &kernels)
        })
    }));
    trials.push(Trial::test(
        format!("differential::{TAGGED}_where_no_tags_are_read"),
        || {
            let program = std::env::current_exe()?;
            let ran = Command::new(program).arg(READS_NO_TAGS).output()?;
            match ran.status.success() {
                true => Ok(()),
                false => Err(String::from_utf8_lossy(&ran.stderr).into_owned().into()),
            }
        },
    ));
    trials.push(Trial::test(
        "differential::the_list_of_intended_differences_names_objects",
        || match intended::strangers(|object| objects().any(|(name, _)| name == object)) {
            names if names.is_empty() => Ok(()),
            names => Err(format!("no such object: {}", names.join(", ")).into()),
        },
    ));
    trials.push(Trial::test(
        "differential::sensors_against_minimised_types",
        || {
            let minimised = minimised_types().map_err(|error| format!("{error:#}"))?;
            let mut sensors = OURS.iter();
            sensors.try_for_each(|(name, bytes)| compare_on_all(name, bytes, &minimised))
        },
    ));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Compares the object with tags, on a kernel that reads none.
fn tagged_alone() -> ExitCode {
    libbpf::listen();
    kernel::read_no_tags();
    let compared = || -> Result<(), Failed> {
        let kernels = kernel_types()?;
        let bytes = trapline_corpus::object(TAGGED).ok_or("no such object")?;
        compare_on_all(TAGGED, bytes, &kernels)
    };
    match compared() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.message().unwrap_or("no reason"));
            ExitCode::FAILURE
        }
    }
}

/// Several objects of the corpus made into one: types renumbered, sections
/// joined, offsets of data filled in, static names met more than once.
const LINKED: &[(&str, &[&str])] = &[
    (
        "linked_code",
        &["code_subprog", "code_same_names", "code_callback_loop"],
    ),
    (
        "linked_core",
        &["core_fields", "code_subprog_order", "core_store"],
    ),
    (
        "linked_data",
        &[
            "data_static",
            "data_pointers",
            "code_same_names",
            "data_sections",
        ],
    ),
    (
        "linked_global",
        &[
            "code_global_hidden",
            "code_global_weak",
            "code_callback_timer",
        ],
    ),
];

/// The objects of these names, made into one.
fn linked(names: &[&str]) -> Result<Vec<u8>, Failed> {
    let folder = tempfile::tempdir()?;
    let mut parts = Vec::new();
    for name in names {
        let part = trapline_corpus::object(name);
        parts.push(part.ok_or_else(|| format!("no object {name}"))?);
    }
    Ok(libbpf::link(&parts, folder.path())?)
}

/// The sensors' objects.
static OURS: LazyLock<Vec<(&str, Vec<u8>)>> =
    LazyLock::new(|| trapline_sensors::objects::unpacked().expect("they were packed just now"));

/// Every object there is: its name and bytes.
fn objects() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let ours = OURS.iter().map(|(name, bytes)| (*name, &**bytes));
    ours.chain(trapline_corpus::OBJECTS.iter().copied())
}

fn kernel_types() -> anyhow::Result<Vec<Types>> {
    let lock = Lock::load(&host::workspace_root())?;
    let (store, progress) = (Store::open()?, Progress::new());
    let types = lock.kernels().iter().map(|entry| {
        let kernel = store.ensure(entry, &progress)?;
        let path = kernel.btf;
        let path = path.ok_or_else(|| anyhow::anyhow!("kernel {} has no BTF", entry.series))?;
        Ok(Types {
            series: entry.series.to_string(),
            path,
        })
    });
    types.collect()
}

/// The little of every kernel's types that the sensors look at, which libbpf
/// has to be able to read as well.
fn minimised_types() -> anyhow::Result<Vec<Types>> {
    let root = host::workspace_root();
    let lock = Lock::load(&root)?;
    let types = lock.kernels().iter().map(|entry| Types {
        series: format!("{} minimised", entry.series),
        path: btf::path(&root, entry.series),
    });
    Ok(types.collect())
}

fn compare_on_all(name: &str, bytes: &[u8], kernels: &[Types]) -> Result<(), Failed> {
    let mut compared = 0;
    let mut told = BTreeMap::<String, Vec<&str>>::new();
    for types in kernels {
        let found = READ.with_borrow_mut(|read| {
            let series = types.series.clone();
            let ours = read.entry(series);
            let ours = ours.or_insert_with(|| KernelBtf::from_file(&types.path));
            compare::compare(name, bytes, types, ours)
        });
        compared += found.compared;
        for difference in found.differences {
            told.entry(difference).or_default().push(&types.series);
        }
    }
    let (expected, unexpected): (Vec<_>, Vec<_>) = told
        .into_iter()
        .partition(|(difference, _)| intended::is_intended(name, difference));
    let mut text = String::new();
    for (difference, series) in unexpected {
        text += &format!("[{}] {difference}\n", series.join(" "));
    }
    let seen = |entry: &str| expected.iter().any(|(text, _)| text.contains(entry));
    for entry in intended::demanded(name).filter(|entry| !seen(entry)) {
        text += &format!("intended, but not seen: {entry}\n");
    }
    if compared == 0 && expected.is_empty() {
        text += "nothing was compared\n";
    }
    if text.is_empty() {
        Ok(())
    } else {
        Err(text.into())
    }
}
