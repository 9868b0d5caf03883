//! How it goes: what comes and what it takes.

use std::time::{Duration, Instant};

use serde_json::json;
use trapline_loader::Result;
use trapline_sensors::{Account, Sensors};

use super::clock;
use super::proc::own_bytes;
use super::what::{bytes, grouped, time};
use crate::table::Table;

/// When it was last said, and how it was then.
#[derive(Debug)]
pub struct Stats {
    every: Duration,
    is_json: bool,
    at: Instant,
    received: u64,
    cpu: Duration,
}

impl Stats {
    /// Says it this often, as JSON or for people.
    pub fn new(every: Duration, is_json: bool) -> Self {
        Self {
            every,
            is_json,
            at: Instant::now(),
            received: 0,
            cpu: clock::own_cpu(),
        }
    }

    /// Whether it is time to say it again.
    pub fn is_due(&self) -> bool {
        self.at.elapsed() >= self.every
    }

    /// One line, of the time since the last.
    pub fn line(&mut self, sensors: &Sensors, account: &Account) -> String {
        let (time, cpu) = (self.at.elapsed(), clock::own_cpu());
        let seconds = time.as_secs_f64().max(0.001);
        let per_second = (account.received - self.received) as f64 / seconds;
        let cpu_percent = (cpu - self.cpu).as_secs_f64() / seconds * 100.0;
        (self.at, self.received, self.cpu) = (Instant::now(), account.received, cpu);
        let fill = sensors.ring_fill();
        let rss = own_bytes("VmRSS");
        if self.is_json {
            let line = json!({
                "events_per_s": per_second.round(),
                "sent": account.sent,
                "received": account.received,
                "lost": account.lost,
                "poorer": account.poorer,
                "missed": account.missed,
                "ring_pending_bytes": fill.pending_bytes,
                "ring_capacity_bytes": fill.capacity_bytes,
                "cpu_ms": u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX),
                "cpu_percent": (cpu_percent * 10.0).round() / 10.0,
                "rss_bytes": rss,
            });
            return line.to_string();
        }
        let causes = account.lost.iter().filter(|(_, count)| **count > 0);
        let causes: Vec<String> = causes
            .map(|(cause, count)| format!("{cause} {}", grouped(*count)))
            .collect();
        let causes = match causes.is_empty() {
            true => String::new(),
            false => format!(" ({})", causes.join(", ")),
        };
        let full_percent = fill.pending_bytes as f64 / fill.capacity_bytes.max(1) as f64 * 100.0;
        format!(
            "stats: {per_second:.0} events/s; received {}, lost {}{causes}; ring {full_percent:.1}% of {}; \
             we: CPU {cpu_percent:.1}%, memory {}",
            grouped(account.received),
            grouped(account.lost_total()),
            bytes(fill.capacity_bytes as u64),
            rss.map_or_else(|| "unknown".to_owned(), bytes),
        )
    }

    /// At the end: what we took in all, and where the time of programs went.
    ///
    /// # Errors
    /// What the kernel says when it is asked.
    pub fn programs(&self, sensors: &Sensors) -> Result<String> {
        let mut runs = sensors.runs()?;
        runs.sort_by_key(|one| std::cmp::Reverse(one.time));
        if self.is_json {
            let programs = runs.iter().map(|one| {
                let time_ns = u64::try_from(one.time.as_nanos()).unwrap_or(u64::MAX);
                json!({"program": one.name, "runs": one.runs, "time_ns": time_ns})
            });
            return Ok(json!({"programs": programs.collect::<Vec<_>>()}).to_string());
        }
        if runs.is_empty() {
            let how = "sysctl kernel.bpf_stats_enabled=1 has the kernel count it";
            return Ok(format!("run time of programs: unknown; {how}"));
        }
        let mut table = Table::new(&["program", ">runs", ">time", ">ns each"]);
        for one in &runs {
            let each_ns = one.time.as_nanos() / u128::from(one.runs.max(1));
            let cells = [grouped(one.runs), time(one.time), each_ns.to_string()];
            table.row([one.name.to_owned()].into_iter().chain(cells));
        }
        Ok(table.text("  ").trim_end().to_owned())
    }

    /// What we took in all.
    pub fn own(&self) -> String {
        let memory = own_bytes("VmHWM").map_or_else(|| "unknown".to_owned(), bytes);
        format!(
            "we took {} of CPU time, and {memory} of memory at most",
            time(clock::own_cpu())
        )
    }
}
