//! Where our loader does something else than libbpf on purpose, and what neither
//! loads.

/// One difference.
struct Intended {
    object: &'static str,
    /// A part of the difference's text.
    text: &'static str,
    /// Does it not depend on the machine?
    always: bool,
    #[allow(dead_code, reason = "it is for who reads this list")]
    reason: &'static str,
}

const INTENDED: &[Intended] = &[
    Intended {
        object: "arena_anywhere",
        text: "instruction 1",
        always: true,
        reason: "global variables lie at the end of an arena, so that none is at \
                 the null pointer; libbpf does so after 1.7",
    },
    Intended {
        object: "arena_globals",
        text: "instruction ",
        always: true,
        reason: "as in arena_anywhere",
    },
    Intended {
        object: "attach_fentry_multi",
        text: "missing BPF prog type, check ELF section name",
        always: true,
        reason: "libbpf knows programs on many functions only after 1.7",
    },
    Intended {
        object: "attach_fexit_multi",
        text: "missing BPF prog type, check ELF section name",
        always: true,
        reason: "as attach_fentry_multi",
    },
    Intended {
        object: "attach_fsession_multi",
        text: "missing BPF prog type, check ELF section name",
        always: true,
        reason: "as attach_fentry_multi",
    },
    Intended {
        object: "kconfig",
        text: "map kconfig.kconfig: content",
        always: false,
        reason: "LINUX_HAS_SYSCALL_WRAPPER: libbpf asks the running kernel by \
                 making a probe, which one without kprobes refuses; we ask its \
                 symbols",
    },
    Intended {
        object: "kfunc_module",
        text: "extern (func ksym) 'bpf_",
        always: true,
        reason: "as in kfunc_vmlinux",
    },
    Intended {
        object: "kfunc_vmlinux",
        text: "extern (func ksym) 'bpf_task_acquire': not found",
        always: true,
        reason: "a missing extern fails the programs that use it, not the object",
    },
    Intended {
        object: "kfunc_module",
        text: "extern (func ksym) 'bpf_ct_release': not found",
        always: true,
        reason: "as in kfunc_vmlinux; the recorded kernel has no modules",
    },
    Intended {
        object: "ksym_typed",
        text: "extern (var ksym) 'runqueues': not found",
        always: true,
        reason: "as in kfunc_vmlinux",
    },
    Intended {
        object: "map_legacy",
        text: "legacy map definitions",
        always: true,
        reason: "libbpf has given up maps without BTF, we have not",
    },
    Intended {
        object: "map_legacy_typed",
        text: "legacy map definitions",
        always: true,
        reason: "as map_legacy",
    },
    Intended {
        object: "map_numa",
        text: "flags: ours 4, libbpf's 0",
        always: true,
        reason: "the kernel looks at the node only with BPF_F_NUMA_NODE: an \
                 object that names one wants it",
    },
    Intended {
        object: "map_reuseport",
        text: "types of key and value: ours (0, 0)",
        always: true,
        reason: "the kernel takes no types for this kind of map; libbpf tries, \
                 is refused and creates the map without",
    },
];

/// Programs that both refuse: what libbpf says, and why it has to.
const REFUSED_BY_BOTH: &[Intended] = &[
    refused(
        "attach_fentry_prog",
        "failed to find kernel BTF type ID of 'replaced'",
        "it attaches to a program, which the case names",
    ),
    refused(
        "attach_iter_cgroup",
        "failed to find kernel BTF type ID of 'cgroup'",
        "5.10 has no such iterator",
    ),
    refused(
        "attach_freplace",
        "attach program FD is not set",
        "as attach_fentry_prog",
    ),
    refused(
        "core_ambiguity",
        "field offset ambiguity",
        "two structs of one name differ: nobody can tell which is meant",
    ),
    refused(
        "core_signed_element",
        "can't be applied to array access",
        "of an element of an array only place and size are asked for",
    ),
    refused(
        "fentry_module",
        "failed to find kernel BTF type ID of 'port_fops_open'",
        "a function of a module there; the recorded kernel has no modules",
    ),
    refused(
        "fentry_module_named",
        "failed to find kernel BTF type ID of 'virtio_console:port_fops_open'",
        "as fentry_module",
    ),
    refused(
        "file",
        "failed to find kernel BTF type ID of '",
        "functions that kernels have in place of others: see hooks.rs",
    ),
    refused(
        "network",
        "failed to find kernel BTF type ID of '",
        "as file",
    ),
    refused(
        "sections_missing_hooks",
        "failed to find kernel BTF type ID of 'nope_",
        "no kernel has such hooks",
    ),
    refused(
        "sections_unknown",
        "missing BPF prog type, check ELF section name 'somewhere/else'",
        "nobody knows such a section",
    ),
];

const fn refused(object: &'static str, text: &'static str, reason: &'static str) -> Intended {
    Intended {
        object,
        text,
        always: true,
        reason,
    }
}

fn all() -> impl Iterator<Item = &'static Intended> {
    INTENDED.iter().chain(REFUSED_BY_BOTH)
}

fn of_object(object: &str) -> impl Iterator<Item = &'static Intended> {
    all().filter(move |entry| entry.object == object)
}

/// Is a difference as it should be?
pub fn is_intended(object: &str, difference: &str) -> bool {
    of_object(object).any(|entry| difference.contains(entry.text))
}

/// What has to be seen of an object: a list that nobody needs any more is
/// misleading.
pub fn demanded(object: &str) -> impl Iterator<Item = &'static str> {
    let demanded = of_object(object).filter(|entry| entry.always);
    demanded.map(|entry| entry.text)
}

/// Entries about objects that do not exist.
pub fn strangers(exists: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let names = all().map(|entry| entry.object);
    names.filter(|name| !exists(name)).collect()
}
