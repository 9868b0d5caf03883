//! The result as lines of JSON.

use serde::Serialize;
use trapline_loader::Error;
use trapline_loader::spec::ObjectSpec;

use super::examine::{End, Examined};

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Error {
        object: &'a str,
        error: String,
    },
    Skipped {
        object: &'a str,
        part: &'a str,
        reason: &'a str,
    },
    Need {
        object: &'a str,
        feature: &'a str,
        since: String,
        required: bool,
        users: &'a [String],
    },
    Relocation {
        object: &'a str,
        kernel: &'a str,
        program: &'a str,
        insn: usize,
        about: &'a str,
        end: &'static str,
        value: Option<u64>,
        reason: Option<&'a str>,
        similar: &'a [String],
        file: Option<&'a str>,
        line: Option<u32>,
        source: Option<&'a str>,
    },
    Hook {
        object: &'a str,
        kernel: &'a str,
        program: &'a str,
        section: &'a str,
        is_there: bool,
    },
    Extern {
        object: &'a str,
        kernel: &'a str,
        absent: &'a str,
    },
    Failed {
        object: &'a str,
        kernel: &'a str,
        program: &'a str,
        error: &'a str,
    },
    Verdict {
        object: &'a str,
        kernel: &'a str,
        good: bool,
    },
}

fn put(text: &mut String, line: &Line<'_>) {
    // None of the lines has a map with keys that are no strings, the one thing
    // that cannot be written.
    if let Ok(line) = serde_json::to_string(line) {
        text.push_str(&line);
        text.push('\n');
    }
}

/// The line of an object that cannot be read.
pub fn error(object: &str, error: &Error) -> String {
    let mut text = String::new();
    let error = format!("{error:#}");
    put(&mut text, &Line::Error { object, error });
    text
}

/// All lines of an object.
pub fn text(spec: &ObjectSpec, kernels: &[Examined]) -> String {
    let mut text = String::new();
    let object = spec.name.as_str();
    for (part, reason) in &spec.skipped {
        put(
            &mut text,
            &Line::Skipped {
                object,
                part,
                reason,
            },
        );
    }
    for need in spec.needs() {
        put(
            &mut text,
            &Line::Need {
                object,
                feature: &need.feature,
                since: need.since.to_string(),
                required: need.required,
                users: &need.users,
            },
        );
    }
    for examined in kernels {
        one(&mut text, object, examined);
    }
    text
}

fn one(text: &mut String, object: &str, examined: &Examined) {
    let kernel = examined.kernel.as_str();
    for relocation in &examined.relocations {
        let (end, value, absent) = match &relocation.end {
            End::Value(value) => ("resolved", Some(*value), None),
            End::Guarded(absent) => ("guarded", None, Some(absent)),
            End::Absent(absent) => ("absent", None, Some(absent)),
        };
        let source = relocation.source.as_ref();
        put(
            text,
            &Line::Relocation {
                object,
                kernel,
                program: &relocation.program,
                insn: relocation.insn,
                about: &relocation.about,
                end,
                value,
                reason: absent.map(|absent| &*absent.reason),
                similar: absent.map_or(&[], |absent| &*absent.similar),
                file: source.map(|source| &*source.file),
                line: source.map(|source| source.line),
                source: source.map(|source| &*source.text),
            },
        );
    }
    for hook in &examined.hooks {
        put(
            text,
            &Line::Hook {
                object,
                kernel,
                program: &hook.program,
                section: &hook.section,
                is_there: hook.is_there,
            },
        );
    }
    for absent in &examined.absent_externs {
        put(
            text,
            &Line::Extern {
                object,
                kernel,
                absent,
            },
        );
    }
    for failed in &examined.failed {
        put(
            text,
            &Line::Failed {
                object,
                kernel,
                program: &failed.program,
                error: &failed.error,
            },
        );
    }
    put(
        text,
        &Line::Verdict {
            object,
            kernel,
            good: examined.is_good(),
        },
    );
}
