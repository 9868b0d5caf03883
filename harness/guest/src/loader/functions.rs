//! Cases that attach to kernel functions in more ways than [`tracing`](super::tracing):
//! many by one link, entry and return by one program, with cookies.

use trapline_loader::attach::{AttachOptions, Functions, KprobeMultiOptions, KprobeOptions, Link};
use trapline_loader::program::Program;

use super::stage::Failure;
use super::triggers::{COOKIE, set_domain_name};
use super::{Case, Outcome, Stage};

/// A case that is attached where its object's section says.
macro_rules! by_section {
    ($($name:literal),* $(,)?) => {
        &[$(Case { name: $name, object: Some($name), run: on_setdomainname },)*]
    };
}

pub(super) const CASES: &[Case] = by_section![
    "attach_ksyscall",
    "attach_kretsyscall",
    "attach_kprobe_multi",
    "attach_kretprobe_multi",
    "attach_kprobe_session",
    "attach_fsession",
    "attach_fentry_multi",
    "attach_fexit_multi",
    "attach_fsession_multi",
];

pub(super) const COOKIES: &[Case] = &[
    Case {
        name: "attach_kprobe_cookie",
        object: Some("attach_kprobe_cookie"),
        run: with_cookie,
    },
    Case {
        name: "attach_tracepoint_cookie",
        object: Some("attach_tracepoint_cookie"),
        run: with_cookie,
    },
    Case {
        name: "attach_fentry_cookie",
        object: Some("attach_fentry_cookie"),
        run: with_cookie,
    },
    Case {
        name: "attach_raw_tp_cookie",
        object: Some("attach_raw_tp_cookie"),
        run: with_cookie,
    },
    Case {
        name: "attach_tp_btf_cookie",
        object: Some("attach_tp_btf_cookie"),
        run: with_cookie,
    },
    Case {
        name: "attach_kprobe_multi_cookie",
        object: Some("attach_kprobe_multi_cookie"),
        run: names_with_cookies,
    },
    Case {
        name: "attach_kprobe_refused",
        object: Some("attach_kprobe"),
        run: refused,
    },
];

fn on_setdomainname(stage: &mut Stage<'_>) -> Outcome {
    stage.attached(set_domain_name)
}

fn with_cookie(stage: &mut Stage<'_>) -> Outcome {
    let options = AttachOptions {
        cookie: COOKIE,
        ..AttachOptions::default()
    };
    let attach = |program: &Program| Ok(program.attach_with(&options)?);
    stage.attached_by(attach, set_domain_name)
}

/// Two functions by their names, each with a cookie of its own: that of the one
/// that is called is the right one.
fn names_with_cookies(stage: &mut Stage<'_>) -> Outcome {
    let prefix = match cfg!(target_arch = "aarch64") {
        true => "__arm64_sys_",
        false => "__x64_sys_",
    };
    let names = ["sethostname", "setdomainname"].map(|call| format!("{prefix}{call}"));
    let names = names.each_ref().map(String::as_str);
    let options = KprobeMultiOptions {
        cookies: vec![1, COOKIE],
        ..KprobeMultiOptions::default()
    };
    let attach = |program: &Program| {
        let attached = program.attach_kprobe_multi(Functions::Names(&names), &options);
        Ok(attached?)
    };
    stage.attached_by(attach, set_domain_name)
}

/// What no kernel lets a probe do is refused with its reason, and leaves
/// nothing attached; then the same program is attached for good.
fn refused(stage: &mut Stage<'_>) -> Outcome {
    let attach = |program: &Program| -> Result<Link, Failure> {
        let missing = program.attach_kprobe("no_such_function_here", &KprobeOptions::default());
        let text = missing.map_or_else(|error| format!("{error:#}"), |_| "attached".to_owned());
        if !text.contains("the kernel has no function no_such_function_here") {
            return Err(Failure::Other(format!(
                "a function that is not there: {text}"
            )));
        }
        Ok(program.attach()?)
    };
    stage.attached_by(attach, set_domain_name)
}
