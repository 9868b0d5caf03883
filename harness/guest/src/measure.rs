//! The subcommands `measure` and `measure-calls`: what one run of a program costs, for the host's
//! comparison of loaders. They run on the host, where they are the only ones that may ask the kernel
//! such things.

use std::ffi::CString;
use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::proc::status;
use crate::sys::trace;

/// `measure RUNS PROGRAM ARGUMENTS...`: prints `{"cpu_us":[…]}`, one number per run.
#[must_use]
pub fn cost(words: &[String]) -> ExitCode {
    let Some((runs, command)) = words.split_first() else {
        return usage();
    };
    let Ok(runs) = runs.parse::<usize>() else {
        return usage();
    };
    print(in_words(command, |argv| {
        let mut cpu_us = Vec::new();
        for _ in 0..runs {
            let cost = trace::run(argv)?;
            if !cost.succeeded {
                return Err(io::Error::other("it failed"));
            }
            cpu_us.push(cost.cpu_us);
        }
        Ok(json!({"cpu_us": cpu_us}))
    }))
}

/// `measure-calls PROGRAM ARGUMENTS...`: prints `{"syscalls","bpf","peak_rss_kib"}` of one run.
#[must_use]
pub fn calls(words: &[String]) -> ExitCode {
    print(in_words(words, |argv| {
        let (mut syscalls, mut bpf, mut peak) = (0_u64, 0_u64, None);
        let mut seen = |call: trace::Call| {
            syscalls += 1;
            bpf += u64::from(call.number == libc::SYS_bpf);
        };
        trace::calls(argv, &mut seen, &mut |pid| {
            peak = status(pid.cast_unsigned(), "VmHWM").ok()
        })?;
        let peak = peak.ok_or_else(|| io::Error::other("its memory was not seen"))?;
        Ok(json!({"syscalls": syscalls, "bpf": bpf, "peak_rss_kib": peak}))
    }))
}

fn in_words(
    words: &[String],
    measured: impl FnOnce(&[&std::ffi::CStr]) -> io::Result<Value>,
) -> io::Result<Value> {
    let c_words: Result<Vec<CString>, _> = words.iter().map(|word| CString::new(&**word)).collect();
    let c_words = c_words.map_err(io::Error::other)?;
    let argv: Vec<_> = c_words.iter().map(CString::as_c_str).collect();
    measured(&argv)
}

fn print(measured: io::Result<Value>) -> ExitCode {
    match measured {
        Ok(value) => {
            println!("{value}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("measure: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: trapline-guest measure RUNS PROGRAM ARGUMENTS...");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::tests::my_turn;

    #[test]
    fn calls_and_memory_of_a_program_are_seen() {
        let _turn = my_turn();
        let (mut numbers, mut peak) = (Vec::new(), None);
        let mut seen = |call: trace::Call| numbers.push(call.number);
        trace::calls(&[c"/bin/true"], &mut seen, &mut |pid| {
            peak = status(pid.cast_unsigned(), "VmHWM").ok();
        })
        .unwrap();
        assert!(numbers.len() > 2 && numbers.len() < 500, "{numbers:?}");
        assert_eq!(numbers.first(), Some(&libc::SYS_execve));
        assert_eq!(numbers.last(), Some(&libc::SYS_exit_group));
        let ends = numbers
            .iter()
            .filter(|number| **number == libc::SYS_exit_group);
        assert_eq!(ends.count(), 1);
        assert!(peak.unwrap() > 100, "{peak:?}");
    }

    #[test]
    fn a_program_that_fails_is_told_from_one_that_does_not() {
        let _turn = my_turn();
        assert!(trace::run(&[c"/bin/true"]).unwrap().succeeded);
        assert!(!trace::run(&[c"/bin/false"]).unwrap().succeeded);
        assert!(trace::calls(&[c"/bin/false"], &mut |_| {}, &mut |_| {}).is_err());
    }
}
