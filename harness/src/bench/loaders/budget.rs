//! What loading may cost with this loader.

use super::{Counted, Figures};

/// Of the processor time of libbpf-rs, both by their median, in percent.
const CPU_PERCENT: u64 = 60;
/// The most memory at a time.
const PEAK_RSS_KIB: u64 = 1024;
/// The static, stripped program.
const SIZE_BYTES: u64 = 480 << 10;
/// System calls in all.
const SYSCALLS: u64 = 60;
/// System calls that are bpf(2).
const BPF: u64 = 14;
/// The loader and all that it needs.
const CRATES: usize = 4;

/// Everything counted that is above its budget, as sentences.
pub fn exceeded(counted: &Counted) -> Vec<String> {
    let mut exceeded = Vec::new();
    let mut hold = |what: &str, is: u64, most: u64| {
        if is > most {
            exceeded.push(format!("{what}: {is}, {most} are allowed"));
        }
    };
    hold("bytes of the program", counted.size_bytes, SIZE_BYTES);
    hold("system calls", counted.syscalls, SYSCALLS);
    hold("bpf(2) calls", counted.bpf, BPF);
    hold("KiB of memory", counted.peak_rss_kib, PEAK_RSS_KIB);
    hold("crates", counted.crates.len() as u64, CRATES as u64);
    if let Some(first) = counted.macros.first() {
        exceeded.push(format!("{first} is a procedural macro, none is allowed"));
    }
    if counted.has_build_script {
        exceeded.push("the loader has a build script".to_owned());
    }
    exceeded
}

/// The same for processor time, which is held against another loader's.
pub fn exceeded_time(ours: &Figures, other: &Figures) -> Option<String> {
    let (is, that) = (ours.median_us(), other.median_us());
    (is * 100 > that * CPU_PERCENT).then(|| {
        format!(
            "processor time: {is} us, {CPU_PERCENT} % of the {that} us of {} are allowed",
            other.contestant.name
        )
    })
}

/// Each budget as the table's last column has it.
pub(super) fn column() -> [String; 8] {
    [
        format!("0.{} of libbpf-rs", CPU_PERCENT / 10),
        String::new(),
        PEAK_RSS_KIB.to_string(),
        (SIZE_BYTES >> 10).to_string(),
        SYSCALLS.to_string(),
        BPF.to_string(),
        CRATES.to_string(),
        "0".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::CONTESTANTS;
    use super::*;

    fn counted() -> Counted {
        Counted {
            size_bytes: SIZE_BYTES,
            syscalls: SYSCALLS,
            bpf: BPF,
            peak_rss_kib: PEAK_RSS_KIB,
            crates: vec![String::new(); CRATES],
            macros: Vec::new(),
            has_build_script: false,
        }
    }

    #[test]
    fn figures_at_their_budget_are_fine_and_each_one_above_is_named() {
        assert_eq!(exceeded(&counted()), Vec::<String>::new());
        let mut above = counted();
        above.size_bytes += 1;
        above.syscalls += 1;
        above.bpf += 1;
        above.peak_rss_kib += 1;
        above.crates.push("x".to_owned());
        above.macros.push("x".to_owned());
        above.has_build_script = true;
        assert_eq!(exceeded(&above).len(), 7);
    }

    #[test]
    fn time_is_held_against_the_other_loader_by_the_median() {
        let figures = |which: usize, median_us| Figures {
            contestant: CONTESTANTS[which],
            counted: counted(),
            cpu_us: vec![1, median_us, 1_000_000],
        };
        assert_eq!(exceeded_time(&figures(0, 60), &figures(1, 100)), None);
        let over = exceeded_time(&figures(0, 61), &figures(1, 100)).unwrap();
        assert!(over.contains("61 us"), "{over}");
    }
}
