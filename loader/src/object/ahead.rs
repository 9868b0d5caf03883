//! Several programs at once: the verifier keeps a processor busy with each.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::programs::{Unloaded, Waiting, Why};
use crate::program::Program;
use crate::relo_core::Report;

/// Of a thread's stack: enough for what it does, and less than the huge page that the
/// kernel may give what is as large as the usual one.
const STACK_BYTES: usize = 128 << 10;

impl Waiting {
    /// Loads those of the named programs that the kernel takes, on up to so many threads,
    /// this one among them. They are gone from here then, and come in the object's order;
    /// what is refused stays.
    pub(super) fn load_ahead(
        &mut self,
        names: &[&str],
        report: &Report,
        threads: usize,
    ) -> Vec<Program> {
        let programs = self.programs.iter();
        let wanted: Vec<&Unloaded> = programs
            .filter(|unloaded| names.contains(&&*unloaded.program.name))
            .collect();
        let next = AtomicUsize::new(0);
        let load = || {
            let mut loaded = Vec::new();
            while let Some(unloaded) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                let program = self.load_one(unloaded, report, Why::NotAsked);
                loaded.extend(program.ok().map(|program| (unloaded.index, program)));
            }
            loaded
        };
        let mut loaded = thread::scope(|scope| {
            let start = |_| {
                let thread = thread::Builder::new().stack_size(STACK_BYTES);
                thread.spawn_scoped(scope, load).ok()
            };
            // Where no thread can be had, there is this one.
            let others: Vec<_> = (1..threads.min(wanted.len())).map_while(start).collect();
            let mut loaded = load();
            for other in others {
                loaded.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            loaded
        });
        loaded.sort_unstable_by_key(|(index, _)| *index);
        let is_loaded = |unloaded: &Unloaded| loaded.iter().any(|it| it.0 == unloaded.index);
        self.programs.retain(|unloaded| !is_loaded(unloaded));
        loaded.into_iter().map(|(_, program)| program).collect()
    }
}
