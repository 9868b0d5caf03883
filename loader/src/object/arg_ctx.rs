//! Arguments that a tag makes the context, for kernels that read no tags.
//!
//! A global function is verified by itself: its types alone say which argument
//! is the context. `__arg_ctx` says it with a tag, whatever the argument's type.
//! Kernels before 6.8 look for a pointer to the struct that they have for the
//! program's type. So such a function gets a prototype of its own that has one.

use super::btf::load_variant;
use super::sanitize::{append, next_string};
use crate::btf::{Kind, MAX_RESOLVE_DEPTH, ObjectBtf, Type, Types};
use crate::error::Result;
use crate::ext_info::{FuncInfo, Records};
use crate::spec::{ObjectSpec, ProgramSpec};
use std::os::fd::OwnedFd;

const TAG: &[u8] = b"arg:ctx";
/// Linkage of a global function.
const GLOBAL: u32 = 1;
/// Words of a prototype before its parameters, of which each has two.
const PROTO_WORDS: usize = 3;

const KPROBE: u32 = 2;
const PERF_EVENT: u32 = 7;
const RAW_TRACEPOINT: u32 = 17;
const RAW_TRACEPOINT_WRITABLE: u32 = 24;

/// The contexts that have a name, by program type.
///
/// Source: include/linux/bpf_types.h
const CONTEXTS: &[(&[u32], &str)] = &[
    (&[1, 3, 4, 8, 10, 11, 12, 14, 19, 22], "__sk_buff"),
    (&[KPROBE], "bpf_user_pt_regs_t"),
    (&[6], "xdp_md"),
    (&[PERF_EVENT], "bpf_perf_event_data"),
    (&[9], "bpf_sock"),
    (&[13], "bpf_sock_ops"),
    (&[15], "bpf_cgroup_dev_ctx"),
    (&[16], "sk_msg_md"),
    (
        &[RAW_TRACEPOINT, RAW_TRACEPOINT_WRITABLE],
        "bpf_raw_tracepoint_args",
    ),
    (&[18], "bpf_sock_addr"),
    (&[21], "sk_reuseport_md"),
    (&[23], "bpf_sysctl"),
    (&[25], "bpf_sockopt"),
    (&[30], "bpf_sk_lookup"),
    (&[32], "bpf_nf_ctx"),
];

/// The struct behind a program's context; none where it has no name.
fn context(prog_type: u32) -> Option<&'static str> {
    let mut all = CONTEXTS.iter();
    let (_, name) = all.find(|(types, _)| types.contains(&prog_type))?;
    Some(name)
}

/// Types of an object for one program, and its records of functions with them.
#[derive(Debug)]
pub(super) struct Retyped<B = OwnedFd> {
    pub(super) btf: B,
    pub(super) func_info: Records<FuncInfo>,
}

/// Loads types in which the program's tagged arguments are contexts, where there
/// are some that are not.
pub(super) fn load(spec: &ObjectSpec, program: &ProgramSpec) -> Option<Retyped> {
    let btf = spec.btf.as_ref()?;
    // What is torn is as the kernel saw it: it has refused it already.
    let retyped = retype(btf, program.kind.prog_type, &program.func_info);
    let Retyped { btf, func_info } = retyped.ok().flatten()?;
    let btf = load_variant(&btf)?;
    Some(Retyped { btf, func_info })
}

fn retype(
    btf: &ObjectBtf,
    prog_type: u32,
    records: &Records<FuncInfo>,
) -> Result<Option<Retyped<Vec<u8>>>> {
    let Some((name, name_off)) = context(prog_type).zip(next_string(btf.raw())) else {
        return Ok(None);
    };
    let mut added = Added::new(btf.last_id());
    for id in btf.ids() {
        let tag = btf.type_by_id(id)?;
        let Some(index) = tag.tagged_component() else {
            continue;
        };
        let function = btf.type_by_id(tag.size_or_type)?;
        let is_global = function.kind() == Kind::Func && function.vlen() == GLOBAL;
        let is_used = || records.iter().any(|record| record.type_id == function.id);
        if !btf.string_is(tag.name_off, TAG)? || !is_global || !is_used() {
            continue;
        }
        let prototype = btf.type_by_id(function.size_or_type)?;
        let parameters = prototype.parameters();
        let Some(parameter) = parameters.get(index as usize) else {
            continue;
        };
        if needs_context(btf, prog_type, parameter.type_id, name)? {
            added.argument(&tag, &function, &prototype, name_off);
        }
    }
    if added.functions.is_empty() {
        return Ok(None);
    }
    let func_info = added.rewrite(records)?;
    let types: Vec<u32> = added.types.concat();
    let retyped = |btf| Retyped { btf, func_info };
    Ok(append(btf.raw(), &types, name).map(retyped))
}

/// Is a tagged argument one that an older kernel does not take for a context,
/// though it can be one? The same types count as for libbpf.
fn needs_context(btf: &ObjectBtf, prog_type: u32, argument: u32, name: &str) -> Result<bool> {
    let pointer = btf.strip_modifiers(argument)?;
    if pointer.kind() != Kind::Ptr {
        return Ok(false);
    }
    let has_typedef = matches!(prog_type, KPROBE | PERF_EVENT);
    let alias = b"bpf_user_pt_regs_t";
    if has_typedef && is_alias(btf, pointer.size_or_type, alias)? {
        return Ok(false);
    }
    let behind = btf.strip_modifiers(pointer.size_or_type)?;
    let is_struct = |name: &[u8]| -> Result<bool> {
        Ok(behind.kind() == Kind::Struct && btf.string_is(behind.name_off, name)?)
    };
    Ok(match behind.kind() {
        Kind::Void => true,
        _ if is_struct(name.as_bytes())? => false,
        Kind::Struct if prog_type == KPROBE => is_struct(b"pt_regs")?,
        Kind::Struct if prog_type == PERF_EVENT => is_struct(REGISTERS)?,
        Kind::Int => {
            let is_raw = matches!(prog_type, RAW_TRACEPOINT | RAW_TRACEPOINT_WRITABLE);
            is_raw && behind.size_or_type == 8
        }
        _ => false,
    })
}

/// The struct that `bpf_user_pt_regs_t` is.
const REGISTERS: &[u8] = match cfg!(target_arch = "aarch64") {
    true => b"user_pt_regs",
    false => b"pt_regs",
};

/// Is the first typedef of a chain of modifiers this one?
fn is_alias(btf: &ObjectBtf, mut id: u32, name: &[u8]) -> Result<bool> {
    for _ in 0..MAX_RESOLVE_DEPTH {
        let ty = btf.type_by_id(id)?;
        match ty.kind() {
            Kind::Typedef => return btf.string_is(ty.name_off, name),
            _ if ty.is_modifier_or_typedef() => id = ty.size_or_type,
            _ => break,
        }
    }
    Ok(false)
}

/// Types that go behind those of the object.
struct Added {
    last_id: u32,
    types: Vec<Vec<u32>>,
    /// A pointer to the context, once there is one.
    pointer: Option<u32>,
    /// By function: its copy, and where the copy's prototype is in `types`.
    /// Empty as long as there is none.
    functions: Vec<Option<(u32, usize)>>,
}

impl Added {
    fn new(last_id: u32) -> Self {
        Self {
            last_id,
            types: Vec::new(),
            pointer: None,
            functions: Vec::new(),
        }
    }

    fn copy_of(&self, function: u32) -> Option<(u32, usize)> {
        self.functions.get(function as usize).copied().flatten()
    }

    fn push(&mut self, words: Vec<u32>) -> u32 {
        self.types.push(words);
        self.last_id += 1;
        self.last_id
    }

    /// Makes a tagged argument of a copy of a function the context.
    fn argument(&mut self, tag: &Type<'_>, function: &Type<'_>, prototype: &Type<'_>, name: u32) {
        let (copy, at) = match self.copy_of(function.id) {
            Some(known) => known,
            None => {
                let at = self.types.len();
                let copy = self.copy(function, prototype);
                let index = function.id as usize;
                if self.functions.len() <= index {
                    self.functions.resize(index + 1, None);
                }
                self.functions[index] = Some((copy, at));
                (copy, at)
            }
        };
        let pointer = match self.pointer {
            Some(pointer) => pointer,
            None => {
                let context = self.push(vec![name, info(Kind::Struct, 0), 0]);
                self.push(vec![0, info(Kind::Ptr, 0), context])
            }
        };
        self.pointer = Some(pointer);
        let index = tag.tagged_component().unwrap_or_default();
        self.push(vec![tag.name_off, info(Kind::DeclTag, 0), copy, index]);
        let word = PROTO_WORDS + 2 * index as usize + 1;
        if let Some(argument) = self.types.get_mut(at).and_then(|words| words.get_mut(word)) {
            *argument = pointer;
        }
    }

    /// A prototype, then a function that has it.
    fn copy(&mut self, function: &Type<'_>, prototype: &Type<'_>) -> u32 {
        let parameters = prototype.parameters();
        let kind = info(Kind::FuncProto, parameters.len() as u32);
        let mut words = vec![prototype.name_off, kind, prototype.size_or_type];
        let each = parameters.iter();
        words.extend(each.flat_map(|parameter| [parameter.name_off, parameter.type_id]));
        let prototype = self.push(words);
        self.push(vec![function.name_off, info(Kind::Func, GLOBAL), prototype])
    }

    /// The records with the copies in the place of what they are of.
    fn rewrite(&self, records: &Records<FuncInfo>) -> Result<Records<FuncInfo>> {
        let bytes = records.rec_size();
        let mut rewritten = Records::with_rec_size(bytes)?;
        let each = records.as_bytes().chunks_exact(bytes as usize);
        for (
            record,
            FuncInfo {
                insn_offset,
                type_id,
            },
        ) in each.zip(records.iter())
        {
            let mut record = record.to_vec();
            if let Some((copy, _)) = self.copy_of(type_id) {
                record[4..8].copy_from_slice(&copy.to_le_bytes());
            }
            rewritten.push_rebased(&record, insn_offset)?;
        }
        Ok(rewritten)
    }
}

const fn info(kind: Kind, vlen: u32) -> u32 {
    (kind as u32) << 24 | vlen
}

#[cfg(test)]
#[path = "arg_ctx_tests.rs"]
mod tests;
