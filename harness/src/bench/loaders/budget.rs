//! What loading may cost with this loader.

use super::{Counted, Figures, Tree};

/// Of the processor time of libbpf-rs, both by their median, in percent.
const CPU_PERCENT: u64 = 60;
/// The most memory at a time.
const PEAK_RSS_KIB: u64 = 1024;
/// The static, stripped program, built along with the standard library.
const SIZE_BYTES: u64 = 480 << 10;
/// What loading adds to a program that does nothing, with the standard library
/// as it comes.
const SHARE_BYTES: u64 = 360 << 10;
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
    let (with_std, share) = (counted.with_std_bytes, counted.share_bytes());
    hold(
        "bytes of the program, std built along",
        with_std,
        SIZE_BYTES,
    );
    hold("bytes over an empty program", share, SHARE_BYTES);
    hold("system calls", counted.syscalls, SYSCALLS);
    hold("bpf(2) calls", counted.bpf, BPF);
    hold("KiB of memory", counted.peak_rss_kib, PEAK_RSS_KIB);
    exceeded.extend(exceeded_by_crates(&counted.tree));
    exceeded
}

/// The same for the loader's crates alone, which need no measuring.
pub fn exceeded_by_crates(tree: &Tree) -> Vec<String> {
    let mut exceeded = Vec::new();
    if tree.crates.len() > CRATES {
        let names = tree.crates.join(", ");
        exceeded.push(format!("crates: {names}, {CRATES} are allowed"));
    }
    if let Some(first) = tree.macros.first() {
        exceeded.push(format!("{first} is a procedural macro, none is allowed"));
    }
    if tree.has_build_script {
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
pub(super) fn column() -> [String; 10] {
    [
        format!("0.{} of libbpf-rs", CPU_PERCENT / 10),
        String::new(),
        PEAK_RSS_KIB.to_string(),
        String::new(),
        (SHARE_BYTES >> 10).to_string(),
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
            size_bytes: SHARE_BYTES + 1,
            empty_bytes: 1,
            with_std_bytes: SIZE_BYTES,
            syscalls: SYSCALLS,
            bpf: BPF,
            peak_rss_kib: PEAK_RSS_KIB,
            tree: Tree {
                crates: vec![String::new(); CRATES],
                macros: Vec::new(),
                has_build_script: false,
            },
        }
    }

    #[test]
    fn figures_at_their_budget_are_fine_and_each_one_above_is_named() {
        assert_eq!(exceeded(&counted()), Vec::<String>::new());
        let mut above = counted();
        above.size_bytes += 1;
        above.with_std_bytes += 1;
        above.syscalls += 1;
        above.bpf += 1;
        above.peak_rss_kib += 1;
        above.tree.crates.push("x".to_owned());
        above.tree.macros.push("x".to_owned());
        above.tree.has_build_script = true;
        assert_eq!(exceeded(&above).len(), 8);
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
