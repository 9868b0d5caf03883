//! What the verifier counts, as it prints it at the end of a log.
//!
//! Source: `print_verification_stats`, kernel/bpf/verifier.c.

/// The verifier's work on one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifierStats {
    /// Instructions that it processed, on all paths together. At a million it
    /// gives up.
    pub processed_insns: u32,
    /// The most states that it kept for one instruction.
    pub max_states_per_insn: u32,
    /// States that it made in all.
    pub total_states: u32,
    /// States that it held at one time: its memory.
    pub peak_states: u32,
    /// Stack of each function, in the order of the program's code: the entry
    /// first, then its subprograms. Empty where the log does not tell all.
    pub stack_bytes: Vec<u32>,
    /// How long it took, in microseconds.
    pub time_us: u64,
}

impl VerifierStats {
    /// Reads the statistics at the end of a log of level 4.
    pub(crate) fn parse(log: &str) -> Option<Self> {
        // They come last, and in this order: time, stack, functions, counts.
        let from_end = || log.lines().rev();
        let counts = from_end().find(|line| line.starts_with("processed "))?;
        let count = |word: &str| {
            super::number_after(counts, word)
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(0)
        };
        let processed_insns = super::number_after(counts, "processed ")?;
        let stack = from_end().find_map(|line| line.strip_prefix("stack depth "));
        let time = from_end().find_map(|line| line.strip_prefix("verification time "));
        Some(Self {
            processed_insns: processed_insns.try_into().ok()?,
            max_states_per_insn: count("max_states_per_insn "),
            total_states: count("total_states "),
            peak_states: count("peak_states "),
            stack_bytes: match functions(log) {
                functions if functions.is_empty() => stack.map(depths).unwrap_or_default(),
                functions => functions,
            },
            time_us: time.and_then(first_number).unwrap_or(0),
        })
    }
}

/// What a line about one function starts with, and what stands in it.
const FUNCTION: [&str; 2] = ["subprog ", " insns_self "];

/// Is this a line about one function?
pub(super) fn is_of_function(line: &str) -> bool {
    let [start, word] = FUNCTION;
    line.starts_with(start) && line.contains(word)
}

/// The stacks of the functions, each of which has a line of its own:
/// `subprog 1 (up) static insns_self 18 insns_total 26 stack 0`. None where the
/// first are cut off.
///
/// Kernel: 7.3
fn functions(log: &str) -> Vec<u32> {
    let mut stacks = Vec::new();
    for line in log.lines().filter(|line| is_of_function(line)) {
        let index = super::number_after(line, FUNCTION[0]);
        let stack = super::number_after(line, " stack ").and_then(|stack| stack.try_into().ok());
        match (index, stack) {
            (Some(index), Some(stack)) if index == stacks.len() => stacks.push(stack),
            _ => return Vec::new(),
        }
    }
    stacks
}

/// The numbers of `16+0+8`; newer kernels add the deepest chain: ` max 24`.
fn depths(text: &str) -> Vec<u32> {
    let sum = text.split_ascii_whitespace().next().unwrap_or_default();
    sum.split('+')
        .map_while(|depth| depth.parse().ok())
        .collect()
}

fn first_number(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_read() {
        let log = "verification time 7031 usec\nstack depth 336+0+16\n\
            processed 15020 insns (limit 1000000) max_states_per_insn 6 total_states 413 \
            peak_states 159 mark_read 0\n";
        let stats = VerifierStats {
            processed_insns: 15020,
            max_states_per_insn: 6,
            total_states: 413,
            peak_states: 159,
            stack_bytes: vec![336, 0, 16],
            time_us: 7031,
        };
        assert_eq!(VerifierStats::parse(log), Some(stats));
    }

    #[test]
    fn what_newer_kernels_add_is_passed_over() {
        let log = "verification time 5 usec\nstack depth 8+0 max 8\ninsns processed 40+2\n\
            processed 42 insns (limit 1000000) max_states_per_insn 1 total_states 9 peak_states 9\n";
        let stats = VerifierStats::parse(log).unwrap();
        assert_eq!(stats.stack_bytes, [8, 0]);
        assert_eq!((stats.processed_insns, stats.peak_states), (42, 9));
    }

    /// As 7.3 wrote it.
    const BY_FUNCTION: &str = "\
verification time 13034 usec
stack depth max 16
subprog 0 (both) main insns_self 27 insns_total 67 stack 32
subprog 1 (up) static insns_self 18 insns_total 26 stack 0
subprog 2 (helper) static insns_self 8 insns_total 8 stack 8
subprog 3 (down) static insns_self 14 insns_total 14 stack 0
processed 67 insns (limit 1000000) max_states_per_insn 1 total_states 6 peak_states 7 mark_read 0
";

    #[test]
    fn stacks_are_read_from_a_line_for_each_function() {
        let stats = VerifierStats::parse(BY_FUNCTION).unwrap();
        assert_eq!(stats.stack_bytes, [32, 0, 8, 0]);
        assert_eq!((stats.processed_insns, stats.time_us), (67, 13034));
    }

    #[test]
    fn stacks_that_are_not_all_there_are_not_told() {
        let cut = BY_FUNCTION.split_once("subprog 0").unwrap().1;
        let stats = VerifierStats::parse(cut).unwrap();
        assert_eq!(stats.stack_bytes, [0u32; 0]);
        let large = BY_FUNCTION.replace("stack 8", "stack 99999999999");
        let stats = VerifierStats::parse(&large).unwrap();
        assert_eq!(stats.stack_bytes, [0u32; 0]);
    }

    #[test]
    fn a_log_without_counts_has_no_statistics() {
        for log in [
            "",
            "verification time 3 usec\n",
            "processed 99999999999 insns",
        ] {
            assert_eq!(VerifierStats::parse(log), None, "{log:?}");
        }
    }

    #[test]
    fn a_log_whose_head_is_cut_keeps_the_counts() {
        let log = "th 16\nprocessed 3 insns (limit 1000000) total_states 1\n";
        let stats = VerifierStats::parse(log).unwrap();
        assert_eq!((stats.processed_insns, stats.total_states), (3, 1));
        assert!(stats.stack_bytes.is_empty());
    }
}
