//! Cases that attach to functions and static probes of a user program.

use trapline_loader::attach::{
    AttachOptions, Places, Rung, UprobeMultiOptions, UprobeOptions, UsdtOptions,
};
use trapline_loader::program::Program;

use super::probed;
use super::stage::Failure;
use super::triggers::COOKIE;
use super::{Case, Outcome, Stage};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "attach_uprobe",
        object: Some("attach_uprobe"),
        run: by_section,
    },
    Case {
        name: "attach_uprobe_ioctl",
        object: Some("attach_uprobe"),
        run: |stage| from_rung(stage, Rung::Ioctl),
    },
    Case {
        name: "attach_uprobe_tracefs",
        object: Some("attach_uprobe"),
        run: |stage| from_rung(stage, Rung::Tracefs),
    },
    Case {
        name: "attach_uprobe_other_process",
        object: Some("attach_uprobe"),
        run: other_process,
    },
    Case {
        name: "attach_uretprobe",
        object: Some("attach_uretprobe"),
        run: by_section,
    },
    Case {
        name: "attach_uretprobe_tracefs",
        object: Some("attach_uretprobe"),
        run: |stage| from_rung(stage, Rung::Tracefs),
    },
    Case {
        name: "attach_uprobe_multi",
        object: Some("attach_uprobe_multi"),
        run: by_section,
    },
    Case {
        name: "attach_uretprobe_multi",
        object: Some("attach_uretprobe_multi"),
        run: by_section,
    },
    Case {
        name: "attach_uprobe_session",
        object: Some("attach_uprobe_session"),
        run: by_section,
    },
    Case {
        name: "attach_uprobe_cookie",
        object: Some("attach_uprobe_cookie"),
        run: with_cookie,
    },
    Case {
        name: "attach_uprobe_multi_cookie",
        object: Some("attach_uprobe_multi_cookie"),
        run: names_with_cookies,
    },
    Case {
        name: "attach_uprobe_archive",
        object: Some("attach_uprobe"),
        run: in_archive,
    },
    Case {
        name: "attach_usdt",
        object: Some("attach_usdt"),
        run: usdt,
    },
    Case {
        name: "attach_usdt_process",
        object: Some("attach_usdt"),
        run: usdt_of_process,
    },
];

fn by_section(stage: &mut Stage<'_>) -> Outcome {
    probed::write()?;
    stage.attached(probed::run)
}

fn from_rung(stage: &mut Stage<'_>, rung: Rung) -> Outcome {
    probed::write()?;
    let options = AttachOptions {
        rung,
        ..AttachOptions::default()
    };
    let attach = |program: &Program| Ok(program.attach_with(&options)?);
    stage.attached_by(attach, probed::run)
}

/// A probe for this process alone does not see what its children run; then the
/// same program is attached for all.
fn other_process(stage: &mut Stage<'_>) -> Outcome {
    probed::write()?;
    let attach = |program: &Program| {
        let options = UprobeOptions {
            function: "probed_one".to_owned(),
            pid: Some(0),
            ..UprobeOptions::default()
        };
        let own = program.attach_uprobe(probed::PATH, &options)?;
        // A hit here would be one too many.
        probed::run()?;
        own.detach()?;
        let options = UprobeOptions {
            pid: None,
            ..options
        };
        Ok(program.attach_uprobe(probed::PATH, &options)?)
    };
    stage.attached_by(attach, probed::run)
}

fn with_cookie(stage: &mut Stage<'_>) -> Outcome {
    probed::write()?;
    let options = AttachOptions {
        cookie: COOKIE,
        ..AttachOptions::default()
    };
    let attach = |program: &Program| Ok(program.attach_with(&options)?);
    stage.attached_by(attach, probed::run)
}

/// Two functions by their names, each with a cookie of its own: one of the two
/// is the right one.
fn names_with_cookies(stage: &mut Stage<'_>) -> Outcome {
    probed::write()?;
    let places = Places::Functions(&["probed_two", "probed_one"]);
    let options = UprobeMultiOptions {
        cookies: vec![COOKIE, 1],
        ..UprobeMultiOptions::default()
    };
    let attach =
        |program: &Program| Ok(program.attach_uprobe_multi(probed::PATH, &places, &options)?);
    stage.attached_by(attach, probed::run)
}

/// A function of a program in an archive, which is called there.
fn in_archive(stage: &mut Stage<'_>) -> Outcome {
    let archive = probed::write_archive()?;
    let attach = |program: &Program| {
        let path = |member: &str| format!("{}!/{member}", probed::ARCHIVE);
        let options = UprobeOptions {
            function: "probed_one".to_owned(),
            ..UprobeOptions::default()
        };
        let missing = program.attach_uprobe(&path("lib/other"), &options);
        if missing.is_ok() {
            let why = "a member that is not there was attached to";
            return Err(Failure::Other(why.to_owned()));
        }
        Ok(program.attach_uprobe(&path(probed::MEMBER), &options)?)
    };
    stage.attached_by(attach, || probed::call_in_archive(&archive))
}

/// A static probe behind its semaphore, with two arguments and a cookie.
fn usdt(stage: &mut Stage<'_>) -> Outcome {
    probed::write()?;
    let options = UsdtOptions {
        cookie: COOKIE,
        ..UsdtOptions::default()
    };
    let attach = |program: &Program| {
        let missing = program.attach_usdt(probed::PATH, "trapline", "other", &options);
        if missing.is_ok() {
            let why = "a probe that is not there was attached";
            return Err(Failure::Other(why.to_owned()));
        }
        Ok(program.attach_usdt(probed::PATH, "trapline", "site", &options)?)
    };
    stage.attached_by(attach, probed::run)
}

/// The same of this process alone, which its children are not; then of all.
fn usdt_of_process(stage: &mut Stage<'_>) -> Outcome {
    probed::write()?;
    let attach = |program: &Program| {
        let options = UsdtOptions {
            cookie: COOKIE,
            pid: Some(0),
        };
        let own = program.attach_usdt(probed::PATH, "trapline", "site", &options)?;
        // A hit here would be one too many.
        probed::run()?;
        own.detach()?;
        let options = UsdtOptions {
            pid: None,
            ..options
        };
        Ok(program.attach_usdt(probed::PATH, "trapline", "site", &options)?)
    };
    stage.attached_by(attach, probed::run)
}
