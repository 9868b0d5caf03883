//! What is wrong, once for each reason, with everything that it is the reason of.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Judged, Object, Row};
use crate::recording::Verdict;

/// Prints as the list of reasons.
#[derive(Clone, Copy, Debug)]
pub struct Failures<'a> {
    /// What was judged.
    pub objects: &'a [Object],
    /// What became of it.
    pub judged: &'a [Judged],
}

/// A reason, and what fails for it.
struct Reason<'a> {
    what: &'static str,
    chain: &'a [String],
    /// Objects and programs, each with the kernels.
    subjects: Vec<(String, Vec<String>)>,
    /// Of the newest kernel, whose verifier says most.
    excerpt: Option<&'a str>,
    logs: Vec<&'a Path>,
}

impl<'a> Failures<'a> {
    fn reasons(&self) -> Vec<Reason<'a>> {
        let mut reasons: Vec<Reason<'a>> = Vec::new();
        // In the order of objects, and of kernels for each.
        for object in 0..self.objects.len() {
            for judged in self.judged {
                for row in judged.rows.iter().filter(|row| row.object == object) {
                    if !row.is_good() {
                        self.take(&mut reasons, judged, row);
                    }
                }
            }
        }
        reasons
    }

    fn take(&self, reasons: &mut Vec<Reason<'a>>, judged: &'a Judged, row: &'a Row) {
        let what = match row.verdict {
            _ if !row.is_judged => "? not judged",
            Verdict::Loaded => "! loaded, not attached",
            Verdict::Rejected => "✗ rejected",
            Verdict::Unsupported => "- unsupported",
        };
        let known = reasons
            .iter()
            .position(|known| known.what == what && known.chain == row.chain);
        let index = known.unwrap_or_else(|| {
            reasons.push(Reason {
                what,
                chain: &row.chain,
                subjects: Vec::new(),
                excerpt: None,
                logs: Vec::new(),
            });
            reasons.len() - 1
        });
        let reason = &mut reasons[index];
        reason.excerpt = row.excerpt.as_deref().or(reason.excerpt);
        reason.logs.extend(row.log.as_deref());
        let subject = self.subject(row);
        let series = judged.series.to_string();
        match reason
            .subjects
            .iter_mut()
            .find(|(known, _)| *known == subject)
        {
            Some((_, kernels)) => kernels.push(series),
            None => reason.subjects.push((subject, vec![series])),
        }
    }

    fn subject(&self, row: &Row) -> String {
        let object = &self.objects[row.object].name;
        match (&row.program, &row.section) {
            (Some(program), Some(section)) => format!("{object}: {program} ({section})"),
            (Some(program), None) => format!("{object}: {program}"),
            (None, Some(section)) => format!("{object}: section {section}"),
            (None, None) => object.clone(),
        }
    }
}

impl fmt::Display for Failures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for reason in self.reasons() {
            writeln!(f)?;
            match reason.chain.first() {
                Some(first) => writeln!(f, "{}: {first}", reason.what)?,
                None => writeln!(f, "{}", reason.what)?,
            }
            for line in reason.chain.iter().skip(1) {
                writeln!(f, "    {line}")?;
            }
            for (subject, kernels) in &reason.subjects {
                let kernels = match kernels.len() == self.judged.len() && kernels.len() > 1 {
                    true => format!("all {} kernels", kernels.len()),
                    false => kernels.join(" "),
                };
                writeln!(f, "  {subject} on {kernels}")?;
            }
            for line in reason.excerpt.unwrap_or_default().lines() {
                writeln!(f, "    | {line}")?;
            }
            if let Some(log) = reason.logs.last() {
                let more = match reason.logs.len() {
                    1 => String::new(),
                    count => format!(" and {} more beside it", count - 1),
                };
                writeln!(f, "  whole log: {}{more}", short(log).display())?;
            }
        }
        Ok(())
    }
}

/// A path as seen from where we are, if it is below.
fn short(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_owned()
}
