//! Cases about what objects ask of the loader: externs, kfuncs, callbacks.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead};
use std::os::unix::fs::OpenOptionsExt;

use trapline_loader::error::ErrorKind;
use trapline_loader::map::UpdateFlag;
use trapline_loader::object::{LoadOptions, Object};
use trapline_loader::program::Program;

use super::checks::Checks;
use super::stage::{Attached, Failure, Tried, spec_of};
use super::triggers::set_domain_name;
use super::{Case, Outcome, Report, Stage};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "kconfig",
        object: Some("kconfig"),
        run: kconfig,
    },
    Case {
        name: "kconfig_weak",
        object: Some("kconfig_weak"),
        run: kconfig_weak,
    },
    Case {
        name: "ksym_untyped",
        object: Some("ksym_untyped"),
        run: ksym_untyped,
    },
    Case {
        name: "ksym_typed",
        object: Some("ksym_typed"),
        run: |stage| flags(stage, &[("is_there", 1)]),
    },
    Case {
        name: "ksym_weak",
        object: Some("ksym_weak"),
        run: |stage| flags(stage, &[("untyped", 0), ("typed", 0)]),
    },
    Case {
        name: "kfunc",
        object: Some("kfunc_vmlinux"),
        run: |stage| flags(stage, &[]),
    },
    Case {
        name: "kfunc_weak",
        object: Some("kfunc_weak"),
        run: |stage| flags(stage, &[("has_two", 0), ("has_nobody", 0)]),
    },
    Case {
        name: "callback_map",
        object: Some("code_callback"),
        run: callback_map,
    },
    Case {
        name: "callback_loop",
        object: Some("code_callback_loop"),
        run: callback_loop,
    },
    Case {
        name: "attach_arg_ctx",
        object: Some("code_arg_ctx"),
        run: |stage| stage.attached(set_domain_name),
    },
    Case {
        name: "verifier_stats",
        object: Some("code_subprog"),
        run: verifier_stats,
    },
    Case {
        name: "core_module",
        object: Some("core_module"),
        run: core_module,
    },
    Case {
        name: "attach_fentry_module",
        object: Some("fentry_module"),
        run: |stage| stage.attached(open_port),
    },
];

/// Values of options as this case gives them, in the form of the kernel's own.
const CONFIG: &str = "CONFIG_BPF_SYSCALL=y\nCONFIG_NET=m\nCONFIG_HZ=250\nCONFIG_LOG_BUF_SHIFT=0x11\n\
    CONFIG_NR_CPUS=-1\nCONFIG_BPF=y\nCONFIG_DEFAULT_HOSTNAME=\"(none)\"\n";

/// Reads of the object's globals as numbers, whatever their size.
pub(super) fn global(object: &Object, name: &str) -> Result<u64, Failure> {
    let bytes = object.data_with(name)?.read(name)?;
    let mut number = [0; 8];
    let place = number.get_mut(..bytes.len());
    let large = || Failure::Other(format!("global {name} of {} bytes", bytes.len()));
    place.ok_or_else(large)?.copy_from_slice(&bytes);
    Ok(u64::from_le_bytes(number))
}

/// Attaches the object's only program, has it run, and compares globals.
fn compare(object: &Object, expected: &[(&str, u64)], how: &str) -> Outcome {
    let [program] = object.programs() else {
        return Err(Failure::Other("not one program".to_owned()));
    };
    let link = program.attach()?;
    set_domain_name()?;
    Attached::detach(link)?;
    let mut right = u64::from(global(object, "hits")? > 0);
    for (name, expected) in expected {
        right += u64::from(global(object, name)? == *expected);
    }
    Ok(Report::checked(how, expected.len() as u64 + 1, right))
}

/// Loads, runs and compares. What this kernel was built without is absent.
fn flags(stage: &mut Stage<'_>, expected: &[(&str, u64)]) -> Outcome {
    let object = match stage.load() {
        Err(Failure::Loader(error)) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::Absent(format!("{error:#}")));
        }
        object => object?,
    };
    compare(&object, expected, "raw_tp")
}

/// `6.12.117+deb12-cloud-amd64` and `#1 SMP Debian 6.12.117-1` as C's
/// KERNEL_VERSION, by way of /proc/version, which has both.
fn kernel_version() -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/version").tried("/proc/version")?;
    let mut words = text.split_ascii_whitespace();
    let after = words.by_ref().find(|word| *word == "Debian");
    let version = match after {
        Some(_) => words.next(),
        None => text.split_ascii_whitespace().nth(2),
    };
    let version = version.unwrap_or_default();
    let numbers = version.split(|c: char| !c.is_ascii_digit());
    let numbers: Vec<u64> = numbers.take(3).filter_map(|n| n.parse().ok()).collect();
    match numbers[..] {
        [major, minor, patch] => Ok(major << 16 | minor << 8 | patch.min(255)),
        _ => Err(Failure::Other(format!("no version in {text}"))),
    }
}

fn kconfig(stage: &mut Stage<'_>) -> Outcome {
    let options = LoadOptions {
        kconfig: Some(CONFIG.to_owned()),
        ..LoadOptions::default()
    };
    let object = stage.load_spec_with(stage.spec()?, &options)?;
    let is_old = fs::read_to_string("/proc/version").is_ok_and(|v| v.contains("version 5.10"));
    let expected = [
        ("version", kernel_version()?),
        ("wrapper", 1),
        ("cookie", u64::from(!is_old)),
        ("bpf_syscall", 1),
        ("net", 2),
        ("hz", 250),
        ("log_buf_shift", 0x11),
        ("nr_cpus", 0xffff),
        ("bpf", u64::from(b'y')),
        ("hostname", u64::from(b'n')),
    ];
    compare(&object, &expected, "kconfig")
}

/// No configuration is here: weak values are zero without it.
fn kconfig_weak(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    compare(&object, &[("absent", 0), ("unknown", 0)], "kconfig")
}

/// The addresses are those of kallsyms.
fn ksym_untyped(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let symbols = fs::File::open("/proc/kallsyms").tried("/proc/kallsyms")?;
    let mut expected = [("vfs_read_address", 0), ("vfs_write_address", 0)];
    // Only as far as needed: the kernel makes up each line as it is read.
    for line in io::BufReader::new(symbols).lines().map_while(Result::ok) {
        let mut words = line.split_ascii_whitespace();
        let (address, name) = (words.next().unwrap_or_default(), words.nth(1));
        let wanted = expected
            .iter_mut()
            .find(|(global, _)| global.strip_suffix("_address") == name);
        if let Some((_, found)) = wanted {
            *found = u64::from_str_radix(address, 16).unwrap_or(0);
        }
        if expected.iter().all(|(_, address)| *address != 0) {
            break;
        }
    }
    compare(&object, &expected, "kallsyms")
}

/// A function that the kernel calls for each element adds up a map.
fn callback_map(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let values = object.map("values")?.typed::<u32, u64>()?;
    for key in 0..4 {
        values.insert(&key, &(u64::from(key) + 1), UpdateFlag::Any)?;
    }
    compare(&object, &[("total", 1 + 2 + 3 + 4)], "raw_tp")
}

/// A loop's body is a function that takes the count away from a sum.
fn callback_loop(stage: &mut Stage<'_>) -> Outcome {
    let mut spec = stage.spec()?;
    // It shares the bodies, and is loaded by other tests.
    spec.program_mut("both")?.kind.autoload = false;
    let object = stage.load_spec(spec)?;
    compare(&object, &[("total", 0u64.wrapping_sub(1 + 2))], "raw_tp")
}

/// What the verifier counts: three functions without a stack, one with.
fn verifier_stats(stage: &mut Stage<'_>) -> Outcome {
    let options = LoadOptions {
        want_stats: true,
        ..LoadOptions::default()
    };
    let mut checks = Checks::default();
    for (object, functions, has_stack) in [("code_subprog", 3, false), ("map_hash", 1, true)] {
        let object = stage.load_spec_with(spec_of(object)?, &options)?;
        let stats = object.programs().first().and_then(Program::stats);
        let stats = stats.ok_or_else(|| Failure::Other("no statistics".to_owned()))?;
        checks.holds("instructions", stats.processed_insns > 3)?;
        let told = format!("stacks {:?}", stats.stack_bytes);
        checks.equal(&told, &stats.stack_bytes.len(), &functions)?;
        checks.equal(&told, &(stats.stack_bytes[0] > 0), &has_stack)?;
    }
    Ok(checks.report("log"))
}

/// The console of virtio is a module on 6.1 and part of later kernels: the same
/// field is found in either.
fn core_module(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let report = compare(&object, &[], "raw_tp")?;
    let value = global(&object, "value")?;
    let (exists, size) = (value & 1, value >> 1);
    let right = u64::from(exists == 1 && (8..4096).contains(&size));
    let (expected, counted) = (report.expected + 1, report.counted + right);
    // Modules have no types on kernels that are older.
    if right == 0 && !std::path::Path::new("/sys/kernel/btf/virtio_console").exists() {
        return Err(Failure::Absent("the module's types".to_owned()));
    }
    Ok(Report::checked("core", expected, counted))
}

/// Opens the ports of the console, which are in use: the kernel says so after
/// the function that is looked at has been called.
fn open_port() -> Result<(), Failure> {
    let ports = fs::read_dir("/dev").tried("/dev")?;
    let mut ports = ports.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let port = ports.find(|name| name.starts_with("vport"));
    let port = port.ok_or_else(|| Failure::Absent("no virtio port".to_owned()))?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    // Busy, or not: it was asked.
    drop(options.open(format!("/dev/{port}")));
    Ok(())
}
