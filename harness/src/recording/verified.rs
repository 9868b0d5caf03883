//! What a guest says of the objects that it judges.

use serde::Deserialize;

/// What is about to be judged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verifying {
    /// The object's number in the order.
    pub object: usize,
    /// The program's position in the object; none before the first.
    pub position: Option<usize>,
    /// The program.
    pub program: Option<String>,
    /// Its section.
    pub section: Option<String>,
    /// `open`, `maps`, `load` or `attach`.
    pub step: String,
}

impl Verifying {
    /// The step, as what failed when nothing came after it.
    #[must_use]
    pub fn doing(&self) -> &'static str {
        match self.step.as_str() {
            "open" => "reading the object",
            "maps" => "creating the maps",
            "attach" => "attaching the program",
            _ => "loading the program",
        }
    }
}

/// Whether a kernel takes a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It does.
    Loaded,
    /// The verifier refuses it, or the object is wrong.
    Rejected,
    /// The kernel lacks something that it needs.
    Unsupported,
}

impl Verdict {
    /// `loaded`, `rejected`, `unsupported`
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Rejected => "rejected",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What became of a program, or of an object or a section as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// The object's number in the order.
    pub object: usize,
    /// The program's position in the object; none where no program is meant.
    pub position: Option<usize>,
    /// The program; none where the object, or a section, is meant.
    pub program: Option<String>,
    /// The section; none where the object is meant.
    pub section: Option<String>,
    /// Whether it is loaded.
    pub verdict: Verdict,
    /// Whether it could be attached; none where that was not tried.
    pub attached: Option<bool>,
    /// Instructions that the verifier processed to accept it.
    pub verified_insns: Option<u64>,
    /// States that it made.
    pub total_states: Option<u64>,
    /// Stack of all its functions.
    pub stack_bytes: Option<u64>,
    /// How long the verifier took.
    pub time_us: Option<u64>,
    /// Its machine code.
    pub jited_bytes: Option<u64>,
    /// The error's lines, outermost first; empty where nothing is wrong.
    pub chain: Vec<String>,
    /// The lines of the verifier's log that matter.
    pub excerpt: Option<String>,
    /// The verifier's log.
    pub log: Option<String>,
    /// Bytes that are missing in the middle of the log.
    pub log_cut_bytes: u64,
}
