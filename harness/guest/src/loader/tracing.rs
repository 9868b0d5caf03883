//! Cases that attach to the kernel's functions and tracepoints.

use trapline_loader::attach::{AttachOptions, Rung};
use trapline_loader::program::Program;

use super::triggers::set_domain_name;
use super::{Case, Outcome, Stage};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "attach_fentry",
        object: Some("attach_fentry"),
        run: on_setdomainname,
    },
    Case {
        name: "attach_fexit",
        object: Some("attach_fexit"),
        run: on_setdomainname,
    },
    Case {
        name: "attach_tp_btf",
        object: Some("attach_tp_btf"),
        run: on_setdomainname,
    },
    Case {
        name: "attach_raw_tp",
        object: Some("attach_raw_tp"),
        run: on_setdomainname,
    },
    Case {
        name: "attach_tracepoint",
        object: Some("attach_tracepoint"),
        run: on_setdomainname,
    },
    Case {
        name: "attach_kprobe",
        object: Some("attach_kprobe"),
        run: on_setdomainname,
    },
    Case {
        name: "attach_kprobe_ioctl",
        object: Some("attach_kprobe"),
        run: |stage| from_rung(stage, Rung::Ioctl),
    },
    Case {
        name: "attach_kprobe_tracefs",
        object: Some("attach_kprobe"),
        run: |stage| from_rung(stage, Rung::Tracefs),
    },
    Case {
        name: "attach_kretprobe",
        object: Some("attach_kretprobe"),
        run: on_setdomainname,
    },
    Case {
        name: "attach_kretprobe_tracefs",
        object: Some("attach_kretprobe"),
        run: |stage| from_rung(stage, Rung::Tracefs),
    },
];

/// Attached where the section says, to something that setdomainname(2) reaches.
fn on_setdomainname(stage: &mut Stage<'_>) -> Outcome {
    stage.attached(set_domain_name)
}

/// The same, but in no better way than `rung`.
fn from_rung(stage: &mut Stage<'_>, rung: Rung) -> Outcome {
    let options = AttachOptions {
        rung,
        ..AttachOptions::default()
    };
    let attach = |program: &Program| Ok(program.attach_with(&options)?);
    stage.attached_by(attach, set_domain_name)
}
