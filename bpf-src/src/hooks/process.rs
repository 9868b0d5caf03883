//! fork, exec, exit.

use super::Hook;

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
