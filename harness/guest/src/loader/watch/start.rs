//! What the start of `trapline watch` takes until its first event.

use std::time::Instant;

use super::acts::another;
use super::running::Watching;
use crate::loader::checks::Checks;
use crate::loader::stage::Tried;
use crate::loader::{Outcome, Stage};
use crate::sys::process;

/// For a boot that counts instructions, where a nanosecond is one: those of the program and of what
/// the kernel does for it. What an instruction repeats is counted each time, so that copying weighs
/// more than it does elsewhere.
pub(super) fn start(stage: &mut Stage<'_>) -> Outcome {
    let mut checks = Checks::default();
    let began = Instant::now();
    let mut watching = Watching::start(&["--json"])?;
    another()?;
    watching.tells("\"kind\":\"exec\"")?;
    let waited = began.elapsed();
    let ran = process::ran_ns(watching.pid().cast_signed()).tried("its clock")?;
    stage.spend("start_million_instructions", ran.div_ceil(1_000_000));
    let said = watching.end(libc::SIGTERM)?.good()?;
    checks.holds(&said.err, said.err.contains("lost: none"))?;
    let (ran, waited) = (ran / 1_000_000, waited.as_millis());
    Ok(checks.report(&format!(
        "first event after {waited} ms, of which it ran {ran}"
    )))
}
