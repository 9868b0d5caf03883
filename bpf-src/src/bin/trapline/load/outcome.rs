//! What became of a program.

use serde::Serialize;
use trapline_loader::program::Program;
use trapline_loader::{Error, ErrorKind};

/// The kernel's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is in the kernel.
    Loaded,
    /// The verifier refused it.
    Rejected,
    /// The kernel lacks something that it needs.
    Unsupported,
    /// Something else went wrong.
    Failed,
    /// Its section name starts with `?`: not loaded without being asked.
    NotAsked,
    /// A part of the object that cannot be used.
    Skipped,
}

impl Verdict {
    /// The verdict behind an error.
    pub fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Rejected => Self::Rejected,
            ErrorKind::Unsupported { .. } | ErrorKind::NotFound => Self::Unsupported,
            _ => Self::Failed,
        }
    }

    /// The word in a table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Rejected => "REJECTED",
            Self::Unsupported => "UNSUPPORTED",
            Self::Failed => "FAILED",
            Self::NotAsked => "not asked",
            Self::Skipped => "skipped",
        }
    }
}

/// Whether a program is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Attached {
    /// Nobody wanted it to be.
    #[default]
    NotTried,
    /// In this way.
    By(String),
    /// It was refused.
    Failed,
}

/// What the kernel tells of a program.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub verified_insns: Option<u32>,
    pub total_states: Option<u32>,
    pub peak_states: Option<u32>,
    /// Of the entry function and each subprogram.
    pub stack_bytes: Vec<u32>,
    pub jited_bytes: Option<u32>,
}

impl Figures {
    /// Asks the kernel; what it does not tell is left open.
    pub fn of(program: &Program) -> Self {
        let info = program.info().ok();
        let stats = program.stats();
        Self {
            verified_insns: info.as_ref().and_then(|info| info.verified_insns),
            total_states: stats.map(|stats| stats.total_states),
            peak_states: stats.map(|stats| stats.peak_states),
            stack_bytes: stats.map_or_else(Vec::new, |stats| stats.stack_bytes.clone()),
            jited_bytes: info.map(|info| info.jited_bytes).filter(|bytes| *bytes > 0),
        }
    }
}

/// A program, or a part of an object that cannot be used.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub object: String,
    /// `None` for an object as a whole.
    pub program: Option<String>,
    pub section: String,
    pub verdict: Verdict,
    pub attached: Attached,
    pub figures: Figures,
    /// Loading it took this long, in microseconds.
    pub time_us: Option<u64>,
    pub error: Option<String>,
    /// The last lines of the verifier's log.
    pub log: Option<String>,
}

impl Outcome {
    /// A program that is about to be loaded.
    pub fn of_program(object: &str, program: &str, section: &str) -> Self {
        Self {
            object: object.to_owned(),
            program: Some(program.to_owned()),
            section: section.to_owned(),
            verdict: Verdict::Loaded,
            attached: Attached::NotTried,
            figures: Figures::default(),
            time_us: None,
            error: None,
            log: None,
        }
    }

    /// What is no program.
    pub fn of_part(object: &str, part: &str, verdict: Verdict, reason: &str) -> Self {
        Self {
            program: None,
            verdict,
            error: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
            ..Self::of_program(object, "", part)
        }
    }

    /// Did everything happen that was wanted?
    pub fn is_good(&self) -> bool {
        let is_loaded = matches!(self.verdict, Verdict::Loaded | Verdict::NotAsked);
        is_loaded && self.attached != Attached::Failed
    }
}
