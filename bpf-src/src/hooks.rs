//! Which programs report what, in which flavour.
//!
//! The one list that has to agree with the `SEC` lines of `c/*.bpf.c`; a test
//! compares it with the programs of the compiled object.

/// One thing that the sensors watch, and the programs for it. Programs of one
/// flavour belong together: all of them, or the other flavour.
#[derive(Debug)]
pub(crate) struct Hook {
    /// What it watches, for errors.
    pub(crate) name: &'static str,
    /// With typed arguments, in the order in which they are attached: what
    /// waits for something is attached before what sends it there.
    pub(crate) fentry: &'static [&'static str],
    /// The same by kprobes.
    pub(crate) kprobe: &'static [&'static str],
    /// A program that is attached to where the functions of `kprobe` return;
    /// several hooks may share one, which is then loaded once.
    pub(crate) kretprobe: Option<&'static str>,
    /// Whether a kernel without these functions is fit for use. There is no
    /// 32-bit execve to watch on a kernel that was built without it.
    pub(crate) required: bool,
}

/// Sees all four calls return; what they were called with is in a map.
const EXEC_RETURNED: &str = "exec_returned_kprobe";

/// The hooks of the process family.
pub(crate) const PROCESS: &[Hook] = &[
    Hook {
        name: "fork",
        fentry: &["fork_fentry"],
        kprobe: &["clone_kprobe", "fork_kprobe"],
        kretprobe: None,
        required: true,
    },
    Hook {
        name: "exec",
        fentry: &["exec_check_fentry", "exec_fentry"],
        kprobe: &["exec_check_kprobe", "exec_kprobe"],
        kretprobe: None,
        required: true,
    },
    Hook {
        name: "failed execve",
        fentry: &["execve_fentry"],
        kprobe: &["execve_kprobe"],
        kretprobe: Some(EXEC_RETURNED),
        required: true,
    },
    Hook {
        name: "failed execveat",
        fentry: &["execveat_fentry"],
        kprobe: &["execveat_kprobe"],
        kretprobe: Some(EXEC_RETURNED),
        required: true,
    },
    Hook {
        name: "failed 32-bit execve",
        fentry: &["execve_compat_fentry"],
        kprobe: &["execve_compat_kprobe"],
        kretprobe: Some(EXEC_RETURNED),
        required: false,
    },
    Hook {
        name: "failed 32-bit execveat",
        fentry: &["execveat_compat_fentry"],
        kprobe: &["execveat_compat_kprobe"],
        kretprobe: Some(EXEC_RETURNED),
        required: false,
    },
    Hook {
        name: "exit",
        fentry: &["exit_end_fentry", "exit_begin_fentry"],
        kprobe: &["exit_end_kprobe", "exit_begin_kprobe"],
        kretprobe: None,
        required: true,
    },
];
