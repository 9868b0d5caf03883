//! What we are told by signals.

use std::path::Path;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use trapline_loader::{Error, Result};

/// How long a reader may take for nothing at all once we are to end.
const GRACE: Duration = Duration::from_secs(2);
/// How long it may take for all that is left.
const LONG_GRACE: Duration = Duration::from_secs(10);

/// SIGTERM and SIGINT: to end. SIGHUP: to read the policy again.
#[derive(Debug)]
pub struct Orders {
    signals: Signals,
    /// Since when we are to end.
    ends_since: Option<Instant>,
    /// Somebody insists.
    at_once: bool,
    reloads: bool,
}

impl Orders {
    /// From now on these signals are ours.
    ///
    /// # Errors
    /// What sigaction(2) says.
    pub fn new() -> Result<Self> {
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
        Ok(Self {
            signals: signals.map_err(|error| Error::io(Path::new("signals"), &error))?,
            ends_since: None,
            at_once: false,
            reloads: false,
        })
    }

    /// Takes what has come.
    pub fn look(&mut self) {
        for signal in self.signals.pending() {
            match signal {
                SIGHUP => self.reloads = true,
                _ if self.ends_since.is_some() => self.at_once = true,
                _ => self.ends_since = Some(Instant::now()),
            }
        }
    }

    /// Whether we are to end.
    pub fn end(&self) -> bool {
        self.ends_since.is_some()
    }

    /// Whether the policy is to be read again; said once.
    pub fn take_reload(&mut self) -> bool {
        std::mem::take(&mut self.reloads)
    }

    /// Whether to wait for a reader that has not taken anything for so long.
    pub fn waits(&mut self, without_progress: Duration) -> bool {
        self.look();
        let Some(since) = self.ends_since else {
            return true;
        };
        let to_end = since.elapsed();
        !self.at_once && to_end.min(without_progress) < GRACE && to_end < LONG_GRACE
    }
}
