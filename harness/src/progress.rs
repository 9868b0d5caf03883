//! What a long job shows while it runs: bars on a terminal, lines elsewhere.
//!
//! Everything goes to standard error, so that standard output stays a result
//! that can be piped. Knows nothing of kernels or VMs.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Where progress goes. Cheap to clone; clones share one screen.
#[derive(Clone)]
pub struct Progress(Arc<Sink>);

enum Sink {
    Bars(MultiProgress),
    Lines(Mutex<Box<dyn Write + Send>>),
}

/// How much work a [`Task`] has, where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Nobody knows: a spinner with the time that has passed.
    Unknown,
    /// This many bytes.
    Bytes(u64),
    /// This many things of any other kind.
    Count(u64),
}

impl Progress {
    /// Bars when standard error is a terminal, plain lines otherwise.
    pub fn new() -> Self {
        if io::stderr().is_terminal() {
            Self(Arc::new(Sink::Bars(MultiProgress::new())))
        } else {
            Self::lines(io::stderr())
        }
    }

    /// Plain lines into `writer`.
    pub fn lines(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Sink::Lines(Mutex::new(Box::new(writer)))))
    }

    /// Starts a task. `label` leads its bar or its lines.
    pub fn task(&self, label: impl Into<String>, amount: Amount) -> Task {
        let label = label.into();
        let bar = match &*self.0 {
            Sink::Bars(screen) => Some(new_bar(screen, &label, amount)),
            Sink::Lines(_) => None,
        };
        Task {
            progress: self.clone(),
            bar,
            label,
            begun: Instant::now(),
        }
    }

    /// One line that stays on the screen.
    pub fn say(&self, line: impl fmt::Display) {
        match &*self.0 {
            Sink::Bars(screen) => {
                // Progress that cannot be shown is no reason to fail the work.
                let _ = screen.suspend(|| writeln!(io::stderr(), "{line}"));
            }
            Sink::Lines(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = writeln!(writer, "{line}");
            }
        }
    }

    /// One line that must not be overlooked: `warning: …`.
    pub fn warn(&self, line: impl fmt::Display) {
        let bold = matches!(&*self.0, Sink::Bars(_));
        let (on, off) = if bold {
            ("\x1b[1;33m", "\x1b[0m")
        } else {
            ("", "")
        };
        self.say(format_args!("{on}warning:{off} {line}"));
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Sink::Bars(_) => "Progress::Bars",
            Sink::Lines(_) => "Progress::Lines",
        })
    }
}

fn new_bar(screen: &MultiProgress, label: &str, amount: Amount) -> ProgressBar {
    let (bar, template) = match amount {
        Amount::Unknown => (
            ProgressBar::new_spinner(),
            "{prefix:<8} {spinner} {msg} {elapsed}",
        ),
        Amount::Bytes(total) => (
            ProgressBar::new(total),
            "{prefix:<8} [{bar:24}] {bytes}/{total_bytes} {msg}",
        ),
        Amount::Count(total) => (
            ProgressBar::new(total),
            "{prefix:<8} [{bar:24}] {pos}/{len} {msg}",
        ),
    };
    // The templates are the three above: a wrong one shows in every test run
    // on a terminal and falls back to the default look.
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = screen.add(bar.with_style(style).with_prefix(label.to_owned()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// One running piece of work. Ends with [`done`](Task::done) or
/// [`failed`](Task::failed); dropped before that, it vanishes without a word,
/// because then an error is on its way to say it.
#[derive(Debug)]
pub struct Task {
    progress: Progress,
    bar: Option<ProgressBar>,
    label: String,
    begun: Instant,
}

impl Task {
    /// What is being done now: a text on the bar, or one line.
    pub fn step(&self, what: impl fmt::Display) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_string()),
            None => self.progress.say(format_args!("{}: {what}", self.label)),
        }
    }

    /// How far it has come, in the unit of the task's [`Amount`]. Lines do
    /// not show it: a log full of percentages helps nobody.
    pub fn set_position(&self, position: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
        }
    }

    /// Ends the task with one line that stays: label, result, seconds.
    pub fn done(self, result: impl fmt::Display) {
        self.end("", &result);
    }

    /// Ends the task with one line that says it failed.
    pub fn failed(self, reason: impl fmt::Display) {
        self.end("FAILED: ", &reason);
    }

    fn end(self, verdict: &str, result: &dyn fmt::Display) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        let label = &self.label;
        self.progress
            .say(format_args!("{label}: {verdict}{result} ({seconds:.1} s)"));
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A writer whose text a test can read back.
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

#[cfg(test)]
impl Captured {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_steps_and_results_are_lines() {
        let captured = Captured::default();
        let progress = Progress::lines(captured.clone());
        let task = progress.task("6.12", Amount::Bytes(10));
        task.step("fetching");
        task.set_position(5);
        task.done("ready");
        progress.warn("disk almost full");
        let text = captured.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "6.12: fetching");
        assert!(lines[1].starts_with("6.12: ready ("), "{text}");
        assert_eq!(lines[2], "warning: disk almost full");
        assert_eq!(lines.len(), 3, "{text}");
    }

    #[test]
    fn a_failed_task_says_so_and_a_dropped_one_is_silent() {
        let captured = Captured::default();
        let progress = Progress::lines(captured.clone());
        drop(progress.task("7.3", Amount::Unknown));
        progress.task("7.2", Amount::Count(3)).failed("no space");
        assert!(captured.text().starts_with("7.2: FAILED: no space ("));
        assert_eq!(captured.text().lines().count(), 1);
    }
}
