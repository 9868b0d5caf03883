//! What one kernel's boots have said: rows, and how far each object is.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::folder::Folder;
use super::{Object, Row};
use crate::kernels::Series;
use crate::recording::{Frame, Verdict, Verified, Verifying};
use crate::vm::Failure;

/// Lines of a dead kernel's log that a row shows.
const EXCERPT_LINES: usize = 20;

/// The ledger of one kernel.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    objects: &'a [Object],
    folder: &'a Folder,
    series: Series,
    /// Where each object is to be gone on with; nothing where it is done.
    pub(super) from: Vec<Option<usize>>,
    rows: Vec<Row>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(objects: &'a [Object], folder: &'a Folder, series: Series) -> Self {
        Self {
            objects,
            folder,
            series,
            from: vec![Some(0); objects.len()],
            rows: Vec::new(),
        }
    }

    /// Makes rows of a boot's frames. Says what the guest was at, if it did not
    /// say what became of it.
    pub(super) fn take(&mut self, frames: &[Frame]) -> Result<Option<Verifying>> {
        let mut last: Option<Verifying> = None;
        let mut object: Option<usize> = None;
        for frame in frames {
            match frame {
                Frame::Verifying(verifying) if verifying.object < self.objects.len() => {
                    if let Some(before) = object.filter(|before| *before != verifying.object) {
                        self.from[before] = None;
                    }
                    object = Some(verifying.object);
                    last = Some(verifying.clone());
                }
                Frame::Verified(verified) if verified.object < self.objects.len() => {
                    last = None;
                    if let Some(position) = verified.position {
                        self.from[verified.object] = Some(position + 1);
                    }
                    let row = self.row(verified)?;
                    self.rows.push(row);
                }
                _ => {}
            }
        }
        Ok(last)
    }

    fn row(&self, verified: &Verified) -> Result<Row> {
        let program = verified.program.as_deref();
        let keep = |log: &String| self.keep(verified.object, program, log);
        let log = verified.log.as_ref().map(keep).transpose()?;
        Ok(Row {
            object: verified.object,
            position: verified.position,
            program: verified.program.clone(),
            section: verified.section.clone(),
            verdict: verified.verdict,
            is_judged: true,
            attached: verified.attached,
            verified_insns: verified.verified_insns,
            chain: verified.chain.clone(),
            excerpt: verified.excerpt.clone(),
            log,
        })
    }

    fn keep(&self, object: usize, program: Option<&str>, log: &str) -> Result<std::path::PathBuf> {
        let name = &self.objects[object].name;
        self.folder.keep(self.series, name, program, log)
    }

    /// The row of what a boot died of; the next boot begins behind it.
    pub(super) fn died(
        &mut self,
        last: &Verifying,
        failure: &Failure,
        serial: &Path,
    ) -> Result<()> {
        self.from[last.object] = last.position.map(|position| position + 1);
        let attaching = last.step == "attach";
        let serial = fs::read_to_string(serial).unwrap_or_default();
        let lines = failure.excerpt.len().saturating_sub(EXCERPT_LINES);
        let chain = vec![
            format!("the kernel did not survive {}", last.doing()),
            failure.to_string(),
        ];
        self.rows.push(Row {
            position: last.position,
            program: last.program.clone(),
            section: last.section.clone(),
            verdict: match attaching {
                true => Verdict::Loaded,
                false => Verdict::Rejected,
            },
            attached: attaching.then_some(false),
            excerpt: Some(failure.excerpt[lines..].join("\n")),
            log: Some(self.keep(last.object, last.program.as_deref(), &serial)?),
            ..Row::of_object(last.object, chain)
        });
        Ok(())
    }

    /// Rows for everything that is left to be judged.
    pub(super) fn leave(&mut self, why: &str) {
        for (object, from) in self.from.iter().enumerate() {
            let what = match from {
                None => continue,
                Some(0) => "not judged".to_owned(),
                Some(from) => format!("not judged from its program number {} on", from + 1),
            };
            self.rows.push(Row {
                is_judged: false,
                ..Row::of_object(object, vec![what, why.to_owned()])
            });
        }
    }

    /// The rows, by object and position.
    pub(super) fn close(mut self) -> Vec<Row> {
        self.rows.sort_by_key(|row| (row.object, row.position));
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::recording::Partial;
    use crate::vm::Cause;

    fn objects() -> Vec<Object> {
        ["a", "b", "c"]
            .map(|name| Object {
                name: format!("{name}.bpf.o"),
                bytes: Arc::from(&b""[..]),
            })
            .into()
    }

    fn verifying(object: usize, position: Option<usize>, step: &str) -> Frame {
        Frame::Verifying(Verifying {
            object,
            position,
            program: position.map(|position| format!("p{position}")),
            section: position.map(|_| "xdp".to_owned()),
            step: step.to_owned(),
        })
    }

    fn verified(object: usize, position: Option<usize>, log: Option<&str>) -> Frame {
        Frame::Verified(Box::new(Verified {
            object,
            position,
            program: position.map(|position| format!("p{position}")),
            section: position.map(|_| "xdp".to_owned()),
            verdict: Verdict::Loaded,
            attached: None,
            verified_insns: Some(5),
            total_states: None,
            stack_bytes: None,
            time_us: None,
            jited_bytes: None,
            chain: Vec::new(),
            excerpt: None,
            log: log.map(str::to_owned),
            log_cut_bytes: 0,
        }))
    }

    fn panicked() -> Failure {
        Failure {
            cause: Cause::VmLost("QEMU ended by itself".to_owned()),
            excerpt: (0..30).map(|line| format!("line {line}")).collect(),
            partial: Partial::default(),
        }
    }

    #[test]
    fn what_a_kernel_dies_of_is_named_and_the_next_boot_goes_on_behind_it() {
        let (objects, place) = (objects(), tempfile::tempdir().unwrap());
        let folder = Folder::at(place.path()).unwrap();
        let mut ledger = Ledger::new(&objects, &folder, Series::new(6, 12));
        let last = ledger.take(&[
            verifying(0, None, "open"),
            verifying(0, None, "maps"),
            verifying(0, Some(0), "load"),
            verified(0, Some(0), Some("a log")),
            verifying(1, None, "open"),
            verifying(1, None, "maps"),
            verifying(1, Some(0), "load"),
            verified(1, Some(0), None),
            verifying(1, Some(1), "load"),
            verifying(1, Some(1), "attach"),
        ]);
        let last = last.unwrap().expect("it fell silent");
        let serial = place.path().join("serial.log");
        fs::write(&serial, "Kernel panic").unwrap();
        ledger.died(&last, &panicked(), &serial).unwrap();
        assert_eq!(ledger.from, [None, Some(2), Some(0)]);
        ledger.leave("no more boots");
        let rows = ledger.close();
        let dead = rows.iter().find(|row| row.position == Some(1)).unwrap();
        assert_eq!(
            (dead.verdict, dead.attached),
            (Verdict::Loaded, Some(false))
        );
        assert_eq!(
            dead.error().unwrap(),
            "the kernel did not survive attaching the program: VM lost: QEMU ended by itself"
        );
        assert_eq!(dead.excerpt.as_ref().unwrap().lines().count(), 20);
        let kept = fs::read_to_string(dead.log.as_ref().unwrap()).unwrap();
        assert_eq!(kept, "Kernel panic");
        assert_eq!(
            fs::read_to_string(rows[0].log.as_ref().unwrap()).unwrap(),
            "a log"
        );
        let left: Vec<_> = rows.iter().filter(|row| !row.is_judged).collect();
        assert_eq!(left.len(), 2);
        assert_eq!(left[0].chain[0], "not judged from its program number 3 on");
        assert_eq!((left[1].object, &*left[1].chain[0]), (2, "not judged"));
    }

    #[test]
    fn a_guest_that_said_everything_was_at_nothing() {
        let (objects, place) = (objects(), tempfile::tempdir().unwrap());
        let folder = Folder::at(place.path()).unwrap();
        let mut ledger = Ledger::new(&objects, &folder, Series::new(6, 12));
        let last = ledger.take(&[verifying(2, None, "open"), verified(2, None, None)]);
        assert_eq!(last.unwrap(), None);
        // Without maps a program is not even tried.
        let last = ledger.take(&[verifying(2, None, "maps"), verified(2, Some(0), None)]);
        assert_eq!(last.unwrap(), None);
    }

    #[test]
    fn an_object_whose_maps_kill_the_kernel_is_done_with() {
        let (objects, place) = (objects(), tempfile::tempdir().unwrap());
        let folder = Folder::at(place.path()).unwrap();
        let mut ledger = Ledger::new(&objects, &folder, Series::new(6, 12));
        let last = ledger.take(&[verifying(0, None, "open"), verifying(0, None, "maps")]);
        let last = last.unwrap().unwrap();
        ledger
            .died(&last, &panicked(), Path::new("/nowhere"))
            .unwrap();
        assert_eq!(ledger.from, [None, Some(0), Some(0)]);
        let rows = ledger.close();
        assert_eq!(
            (rows[0].program.as_deref(), rows[0].verdict),
            (None, Verdict::Rejected)
        );
    }
}
