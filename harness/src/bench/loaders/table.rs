//! The comparison as people read it.

use std::fmt;

use super::{Figures, OBJECT, budget};

/// Prints as the table, ours first, with how many times as much others take.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a>(pub &'a [Figures]);

/// A row: its head, its figure, and how the figure is written.
type Row = (&'static str, fn(&Figures) -> u64, fn(u64) -> String);

const ROWS: [Row; 10] = [
    ("processor time, median ms", Figures::median_us, as_ms),
    ("processor time, least ms", Figures::least_us, as_ms),
    ("peak memory KiB", |f| f.counted.peak_rss_kib, plain),
    (
        "program KiB, std as it comes",
        |f| f.counted.size_bytes,
        as_kib,
    ),
    ("  over an empty one", |f| f.counted.share_bytes(), as_kib),
    (
        "program KiB, std built along",
        |f| f.counted.with_std_bytes,
        as_kib,
    ),
    ("system calls", |f| f.counted.syscalls, plain),
    ("  of these bpf(2)", |f| f.counted.bpf, plain),
    ("crates", |f| f.counted.tree.crates.len() as u64, plain),
    (
        "  procedural macros",
        |f| f.counted.tree.macros.len() as u64,
        plain,
    ),
];

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.first().map_or(0, |figures| figures.cpu_us.len());
        writeln!(f, "loading {OBJECT} once, {runs} runs of each loader")?;
        write!(f, "{:<30}", "")?;
        for figures in self.0 {
            write!(f, "{:>18}", figures.contestant.name)?;
        }
        writeln!(f, "{:>20}", "budget")?;
        for ((head, figure, written), most) in ROWS.iter().zip(budget::column()) {
            write!(f, "{head:<30}")?;
            let ours = self.0.first().map_or(0, figure);
            for (place, figures) in self.0.iter().enumerate() {
                let value = figure(figures);
                let times = match place {
                    0 => String::new(),
                    _ if ours == 0 => "      ".to_owned(),
                    _ => format!(" x{:<4.1}", value as f64 / ours as f64),
                };
                write!(f, "{:>18}", format!("{}{times}", written(value)))?;
            }
            writeln!(f, "{most:>20}")?;
        }
        Ok(())
    }
}

fn plain(value: u64) -> String {
    value.to_string()
}

fn as_ms(us: u64) -> String {
    format!("{:.1}", us as f64 / 1000.0)
}

fn as_kib(bytes: u64) -> String {
    bytes.div_ceil(1024).to_string()
}
