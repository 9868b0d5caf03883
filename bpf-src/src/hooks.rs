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
    /// Whether a kernel without these functions is fit for use. There is no
    /// 32-bit execve to watch on a kernel that was built without it.
    pub(crate) required: bool,
}

/// The hooks of the process family.
pub(crate) const PROCESS: &[Hook] = &[
    Hook {
        name: "fork",
        fentry: &["fork_fentry"],
        kprobe: &["clone_kprobe", "fork_kprobe"],
        required: true,
    },
    Hook {
        name: "exec",
        fentry: &["exec_check_fentry", "exec_fentry"],
        kprobe: &["exec_check_kprobe", "exec_kprobe"],
        required: true,
    },
    Hook {
        name: "failed execve",
        fentry: &["execve_fentry"],
        kprobe: &["execve_kretprobe", "execve_kprobe"],
        required: true,
    },
    Hook {
        name: "failed execveat",
        fentry: &["execveat_fentry"],
        kprobe: &["execveat_kretprobe", "execveat_kprobe"],
        required: true,
    },
    Hook {
        name: "failed 32-bit execve",
        fentry: &["execve_compat_fentry"],
        kprobe: &["execve_compat_kretprobe", "execve_compat_kprobe"],
        required: false,
    },
    Hook {
        name: "failed 32-bit execveat",
        fentry: &["execveat_compat_fentry"],
        kprobe: &["execveat_compat_kretprobe", "execveat_compat_kprobe"],
        required: false,
    },
    Hook {
        name: "exit",
        fentry: &["exit_end_fentry", "exit_begin_fentry"],
        kprobe: &["exit_end_kprobe", "exit_begin_kprobe"],
        required: true,
    },
];
