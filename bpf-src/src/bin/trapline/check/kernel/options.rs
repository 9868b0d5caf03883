//! Options that the kernel was built with, as far as something here goes without them.
//!
//! The configuration itself says best; where it cannot be read, most options leave a
//! function among the kernel's types that is compiled for nothing else.

use std::path::Path;

use serde::Serialize;
use trapline_loader::Result;
use trapline_loader::btf::Kind;
use trapline_loader::kernel_btf::KernelBtf;
use trapline_loader::kernel_config::KernelConfig;

/// What was read, and where.
#[derive(Debug, Default, Serialize)]
pub struct Config {
    /// The file that was read; none where there was none to read.
    pub path: Option<String>,
    /// Why not, then.
    #[serde(skip)]
    pub unread: Option<String>,
    pub options: Vec<Row>,
}

/// One option.
#[derive(Debug, Serialize)]
pub struct Row {
    pub option: &'static str,
    /// `yes`, `module`, `no` or `unknown`.
    pub state: &'static str,
    /// What says so: a file, or `probing: …`; none where it is unknown.
    pub source: Option<String>,
    /// What is not to be had without it.
    pub consequence: &'static str,
}

/// What tells of an option where the configuration does not.
enum Sign {
    /// A function of the kernel, in its types.
    Function(&'static str),
    File(&'static str),
    /// A module that is not loaded leaves nothing, and the functions that trace are
    /// missing in the types of older kernels.
    None,
}

use Sign::{File, Function};

/// Those that matter, with their signs and what is not to be had without them.
#[rustfmt::skip]
const OPTIONS: &[(&str, Sign, &str)] = &[
    ("CONFIG_BPF_SYSCALL", Function("bpf_check"), "nothing can be loaded"),
    ("CONFIG_BPF_EVENTS", Sign::None, "no sensors"),
    ("CONFIG_DEBUG_INFO_BTF", File("/sys/kernel/btf/vmlinux"),
        "no sensors; `load` needs --btf"),
    ("CONFIG_BPF_JIT", File("/proc/sys/net/core/bpf_jit_enable"),
        "no fentry: kprobes; programs run slower"),
    ("CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", Sign::None, "no fentry: kprobes"),
    ("CONFIG_KPROBES", Function("register_kprobe"), "nothing in the place of fentry"),
    ("CONFIG_KPROBE_EVENTS", File("/sys/bus/event_source/devices/kprobe/type"),
        "nothing in the place of fentry"),
    ("CONFIG_BPF_LSM", Function("bpf_lsm_file_open"), "no LSM programs for `load --attach`"),
    ("CONFIG_UPROBE_EVENTS", File("/sys/bus/event_source/devices/uprobe/type"),
        "no uprobes for `load --attach`"),
    ("CONFIG_CGROUP_BPF", Function("__cgroup_bpf_run_filter_skb"),
        "`isolate` does not cover sockets, only interfaces"),
    ("CONFIG_NET_XGRESS", Function("tcx_link_attach"), "no tcx (6.6): `isolate` takes clsact"),
    ("CONFIG_NET_SCH_INGRESS", Sign::None, "no clsact for `isolate` where there is no tcx"),
    ("CONFIG_NET_CLS_BPF", Sign::None, "no clsact for `isolate` where there is no tcx"),
    ("CONFIG_MPTCP", Function("mptcp_stream_accept"), "no events of MPTCP sockets: there are none"),
    ("CONFIG_IA32_EMULATION", Function("__ia32_compat_sys_execve"),
        "no events of 32-bit programs: there are none"),
];

/// Looks at all of them, and has the types remember another function: one search goes
/// through all of the kernel's.
///
/// # Errors
/// Types that cannot be read.
pub fn look(kernel: &mut KernelBtf, also: &'static str) -> Result<Config> {
    let config = KernelConfig::running();
    let functions = OPTIONS.iter().filter_map(|(_, sign, _)| match sign {
        Function(name) => Some((Kind::Func, *name)),
        _ => None,
    });
    let functions: Vec<_> = functions.chain([(Kind::Func, also)]).collect();
    let found = match kernel.target() {
        Ok(target) => Some(target.find(&functions)?),
        Err(_) => None,
    };
    let has_function = |name: &str| {
        let at = functions
            .iter()
            .position(|(_, function)| *function == name)?;
        Some(!found.as_ref()?.get(at)?.is_empty())
    };
    let rows = OPTIONS.iter().map(|(option, sign, consequence)| {
        let (state, source) = match &config {
            Ok(config) => (configured(config, option), Some(config.path().to_owned())),
            Err(_) => probed(sign, has_function),
        };
        Row {
            option,
            state,
            source,
            consequence,
        }
    });
    Ok(Config {
        options: rows.collect(),
        path: config.as_ref().ok().map(|config| config.path().to_owned()),
        unread: config.as_ref().err().map(|error| format!("{error:#}")),
    })
}

fn configured(config: &KernelConfig, option: &str) -> &'static str {
    match config.value(option) {
        Some("y") => "yes",
        Some("m") => "module",
        _ => "no",
    }
}

fn probed(
    sign: &Sign,
    has_function: impl Fn(&str) -> Option<bool>,
) -> (&'static str, Option<String>) {
    let (is_there, what) = match sign {
        Function(name) => (has_function(name), format!("function {name}")),
        // Seen by everybody who may look into the folder, so that it is there or not.
        File(path) => (Path::new(path).try_exists().ok(), (*path).to_owned()),
        Sign::None => (None, String::new()),
    };
    match is_there {
        Some(true) => ("yes", Some(format!("probing: {what} is there"))),
        Some(false) => ("no", Some(format!("probing: {what} is not there"))),
        None => ("unknown", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_types_functions_tell_nothing_and_files_still_do() {
        let unknown = |_: &str| None;
        assert_eq!(probed(&Function("f"), unknown), ("unknown", None));
        assert_eq!(probed(&Sign::None, unknown), ("unknown", None));
        let no = probed(&File("/nonexistent/file"), unknown);
        assert_eq!(
            (no.0, no.1.unwrap().contains("/nonexistent/file")),
            ("no", true)
        );
        let absent = probed(&Function("f"), |_| Some(false));
        assert_eq!(absent.1.unwrap(), "probing: function f is not there");
    }
}
