//! The types of the specification, plain data with public fields.

use super::externs::ExternRef;
use crate::ext_info::{FuncInfo, LineInfo, Records};
use crate::insn::Insn;
use std::sync::Arc;

/// One map as the object defines it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapSpec {
    /// Variable or section name; cut to the kernel's 15 bytes only on creation.
    pub name: String,
    /// `BPF_MAP_TYPE_*`.
    pub map_type: u32,
    /// Key size in bytes.
    pub key_size: u32,
    /// Value size in bytes.
    pub value_size: u32,
    /// Entries, or bytes for a ring buffer; 0 where the object leaves it open.
    pub max_entries: u32,
    /// `BPF_F_*` creation flags.
    pub flags: u32,
    /// NUMA node, where the object demands one.
    pub numa_node: Option<u32>,
    /// Type-specific extra. Kernel: 5.16
    pub map_extra: u64,
    /// BTF id of the key, or 0.
    pub key_type_id: u32,
    /// BTF id of the value (a DATASEC for global data), or 0.
    pub value_type_id: u32,
    /// `LIBBPF_PIN_BY_NAME` is 1, no pinning is 0.
    pub pinning: u32,
    /// What the maps in a map of maps are like.
    pub inner: Option<Box<MapSpec>>,
    /// What the map holds from the start, by element number.
    pub values: Vec<(u32, MapValue)>,
    /// Initial bytes of global data, also of that in an arena; behind their end
    /// all is zero. `None` for all other maps.
    pub content: Option<Vec<u8>>,
    /// Where the map comes from.
    pub kind: MapKind,
    /// The variables inside global data, by offset.
    pub variables: Vec<Variable>,
}

/// What an element of a map is from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapValue {
    /// The map with this index in [`ObjectSpec::maps`](super::ObjectSpec::maps).
    Map(usize),
    /// The program of this name.
    Program(String),
}

/// Where a map comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapKind {
    /// A definition in `.maps` or, without types, in `maps`.
    #[default]
    Defined,
    /// `.rodata` or `.rodata.*`: written once, then frozen.
    Rodata,
    /// `.data` or `.data.*`.
    Data,
    /// `.bss` or `.bss.*`: starts as zeros.
    Bss,
    /// Values of the kernel's configuration, filled in on load and frozen.
    Kconfig,
    /// A table of functions; its size is the kernel's to say. These come after
    /// all other maps.
    StructOps,
}

/// One global variable inside a data map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// Name in C.
    pub name: String,
    /// Byte offset in the map's only value.
    pub offset: u32,
    /// Size in bytes.
    pub size: u32,
    /// BTF id of its type (not of the VAR), or 0.
    pub type_id: u32,
}

/// What to load and where to attach, as the section name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramKind {
    /// `BPF_PROG_TYPE_*`.
    pub prog_type: u32,
    /// `BPF_*` attach type the load needs, or 0.
    pub expected_attach_type: u32,
    /// The hook.
    pub attach: AttachSpec,
    /// May it sleep (`.s` names)? Kernel: 5.10
    pub sleepable: bool,
    /// Does it take packets in several buffers (`xdp.frags` names)?
    /// Kernel: 5.18
    pub xdp_frags: bool,
    /// Load without being asked? A section name that starts with `?` says no.
    pub autoload: bool,
}

/// Where in each function a program on many functions runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiAt {
    /// On entry.
    Entry,
    /// On return.
    Return,
    /// On both, the first run deciding about the second.
    Session,
}

/// The hook of a program. Empty names mean: the section names none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttachSpec {
    /// `fentry/FUNC`: entry of a kernel function, arguments typed by BTF.
    Fentry {
        /// Kernel function.
        func: String,
    },
    /// `fexit/FUNC`: return of a kernel function, with its arguments.
    Fexit {
        /// Kernel function.
        func: String,
    },
    /// `fsession/FUNC`: entry and return of a kernel function in one program.
    /// Kernel: 7.0
    Fsession {
        /// Kernel function.
        func: String,
    },
    /// `fentry.multi/PATTERN`, `fexit.multi`, `fsession.multi`: the same on many
    /// functions at once.
    TracingMulti {
        /// Kernel functions, with `*` and `?`.
        pattern: String,
        /// Where in each.
        at: MultiAt,
    },
    /// `fmod_ret/FUNC`: may replace the return value.
    FmodRet {
        /// Kernel function.
        func: String,
    },
    /// `freplace/FUNC`: replaces a function of another program.
    Freplace {
        /// Function of the target program.
        func: String,
    },
    /// `tp_btf/NAME`: raw tracepoint, arguments typed by BTF.
    TpBtf {
        /// Tracepoint without its category.
        name: String,
    },
    /// `raw_tp/NAME`: raw tracepoint.
    RawTracepoint {
        /// Tracepoint without its category.
        name: String,
    },
    /// `tp/CATEGORY/NAME`: the stable, formatted tracepoint.
    Tracepoint {
        /// Category: `syscalls`.
        category: String,
        /// Name: `sys_enter_openat`.
        name: String,
    },
    /// `kprobe/FUNC+OFFSET`.
    Kprobe {
        /// Kernel function.
        func: String,
        /// Byte offset in it.
        offset: u64,
    },
    /// `kretprobe/FUNC`.
    Kretprobe {
        /// Kernel function.
        func: String,
    },
    /// `ksyscall/NAME` or `kretsyscall/NAME`: the architecture's wrapper.
    Ksyscall {
        /// System call without prefix: `openat`.
        name: String,
        /// On return?
        ret: bool,
    },
    /// `kprobe.multi/PATTERN`, `kretprobe.multi`, `kprobe.session`: many kernel
    /// functions at once. Kernel: 5.18, session 6.10.
    KprobeMulti {
        /// Kernel functions, with `*` and `?`.
        pattern: String,
        /// Where in each.
        at: MultiAt,
    },
    /// `uprobe/PATH:FUNC+OFFSET`, `uretprobe/...`: a function of a user program.
    Uprobe {
        /// The binary: a path, or a bare name to be looked for.
        binary: String,
        /// Function in it; empty where the offset is one into the file.
        func: String,
        /// Byte offset from there.
        offset: u64,
        /// On return?
        ret: bool,
    },
    /// `uprobe.multi/PATH:PATTERN`, `uretprobe.multi`, `uprobe.session`.
    /// Kernel: 6.6, session 6.13.
    UprobeMulti {
        /// The binary: a path, or a bare name to be looked for.
        binary: String,
        /// Functions in it, with `*` and `?`.
        pattern: String,
        /// Where in each.
        at: MultiAt,
    },
    /// `usdt/PATH:PROVIDER:NAME`: static probes of a user program.
    Usdt {
        /// The binary: a path, or a bare name to be looked for.
        binary: String,
        /// Provider.
        provider: String,
        /// Probe.
        name: String,
    },
    /// `lsm/HOOK`.
    Lsm {
        /// Hook without the `bpf_lsm_` prefix.
        hook: String,
    },
    /// `lsm_cgroup/HOOK`: the same for the processes of a cgroup.
    /// Kernel: 6.0
    LsmCgroup {
        /// Hook without the `bpf_lsm_` prefix.
        hook: String,
    },
    /// `struct_ops/NAME`: one function of a table of functions, which a map of
    /// `.struct_ops` names. Kernel: 5.6
    StructOps {
        /// What followed the slash; for people only.
        name: String,
    },
    /// `iter/TARGET`.
    Iter {
        /// Iterator without the `bpf_iter_` prefix.
        target: String,
    },
    /// Types whose attach point the section does not (or need not) name:
    /// sockets, XDP, tc, cgroups. What followed the slash is kept.
    None {
        /// The rest of the section name, mostly empty.
        rest: String,
    },
}

/// One entry program with everything it can reach.
#[derive(Clone, Debug)]
pub struct ProgramSpec {
    /// Function name in C.
    pub name: String,
    /// ELF section, with its `?`.
    pub section: String,
    /// Type and hook.
    pub kind: ProgramKind,
    /// The program, then each reachable subprogram once; calls are rebased.
    pub insns: Vec<Insn>,
    /// `ldimm64` instructions that need a map's descriptor.
    pub map_refs: Vec<MapRef>,
    /// Calls and loads of externs, by instruction in `insns`.
    pub extern_refs: Vec<ExternRef>,
    /// CO-RE relocations, by instruction in `insns`.
    pub core_relos: Vec<CoreReloRef>,
    /// One record per subprogram; complete, or empty.
    pub func_info: Records<FuncInfo>,
    /// Source lines; complete, or empty.
    pub line_info: Records<LineInfo>,
    /// Subprograms: name and first instruction in `insns`, by instruction.
    /// The entry program is the first.
    pub subprograms: Vec<(String, usize)>,
}

/// An `ldimm64` that stands for a map or for a byte in its only value.
///
/// The source register is already set (`MAP_FD` or `MAP_VALUE`) and so is the
/// offset in the second half; the descriptor goes into the first half's `imm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapRef {
    /// Index of the first half in `insns`.
    pub insn: usize,
    /// Index in [`ObjectSpec::maps`](super::ObjectSpec::maps).
    pub map: usize,
    /// Byte offset in the value, for global data.
    pub value_offset: Option<u32>,
}

/// One CO-RE relocation of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreReloRef {
    /// Index of the instruction to patch.
    pub insn: usize,
    /// `BPF_CORE_*`, 0 to 12, as the object says (may be unknown).
    pub kind: u32,
    /// Root type in the object's BTF.
    pub type_id: u32,
    /// Access string: `0:3:1`.
    pub access: Arc<str>,
}
