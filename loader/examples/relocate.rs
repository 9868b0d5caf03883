//! Says what an object asks of a kernel, from two files and no privileges:
//! `relocate OBJECT BTF [--insns]`. BTF is raw, as in /sys/kernel/btf/vmlinux.
//!
//! With `--insns`, the patched instructions follow in hexadecimal.

use std::process::ExitCode;

use trapline_loader::Result;
use trapline_loader::btf::{Source, Target};
use trapline_loader::relo_core;
use trapline_loader::spec::ObjectSpec;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let (Some(object), Some(btf)) = (args.first(), args.get(1)) else {
        eprintln!("usage: relocate OBJECT BTF [--insns]");
        return ExitCode::from(2);
    };
    let (Ok(object_bytes), Ok(btf_bytes)) = (std::fs::read(object), std::fs::read(btf)) else {
        eprintln!("{object} or {btf} cannot be read");
        return ExitCode::FAILURE;
    };
    match run(object, &object_bytes, &btf_bytes, args.len() > 2) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, object: &[u8], btf: &[u8], with_insns: bool) -> Result<()> {
    let mut spec = ObjectSpec::parse(name, object)?;
    let mut target = Target::new(Source::from_bytes(btf))?;
    let report = relo_core::relocate(&mut spec, &mut target)?;
    for (section, reason) in &spec.skipped {
        println!("skipped {section}: {reason}");
    }
    for map in &spec.maps {
        println!(
            "map {} type {} key {} value {} entries {} flags {:#x}",
            map.name, map.map_type, map.key_size, map.value_size, map.max_entries, map.flags
        );
    }
    for (index, program) in spec.programs.iter().enumerate() {
        let count = program.insns.len();
        println!(
            "program {} in {}, {count} instructions",
            program.name, program.section
        );
        for relo in report.relocations.iter().filter(|r| r.program == index) {
            let (from, to) = (relo.original as i64, relo.new as i64);
            let answer = if relo.poisoned {
                "poisoned".to_owned()
            } else {
                format!("{from} -> {to}")
            };
            println!("  {:5} {}: {answer}", relo.insn, relo.description);
        }
        if let Some(error) = report.failure(index) {
            println!("  fails: {error:#}");
        }
        if with_insns {
            for insn in &program.insns {
                let bytes = insn.to_le_bytes();
                println!("insn {} {:016x}", program.name, u64::from_be_bytes(bytes));
            }
            for info in program.func_info.iter() {
                println!(
                    "func {} {} {}",
                    program.name, info.insn_offset, info.type_id
                );
            }
            for info in program.line_info.iter() {
                let (file, text) = (info.file_name_off, info.line_off);
                println!(
                    "line {} {} {file} {text} {}",
                    program.name, info.insn_offset, info.line_col
                );
            }
        }
    }
    Ok(())
}
