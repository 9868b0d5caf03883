//! What a loader gave the kernel, in the form in which two loaders are compared. How it came there
//! is `kernel`'s to know.

use std::collections::BTreeMap;

/// Instructions are eight bytes each.
pub const INSN_BYTES: usize = 8;

/// One map as it was created, and what was put into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapRecord {
    pub name: String,
    pub map_type: u32,
    pub key_bytes: u32,
    pub value_bytes: u32,
    pub max_entries: u32,
    pub flags: u32,
    pub numa_node: u32,
    pub extra: u64,
    pub has_btf: bool,
    pub key_type_id: u32,
    pub value_type_id: u32,
    pub kernel_value_type_id: u32,
    pub inner: Option<Box<MapRecord>>,
    pub frozen: bool,
    /// By key; descriptors are the names of what they stand for.
    pub content: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// One program as it was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgRecord {
    pub name: String,
    pub prog_type: u32,
    pub expected_attach_type: u32,
    pub flags: u32,
    pub license: String,
    pub has_btf: bool,
    pub attach_btf_id: u32,
    /// Eight bytes each; 0 where a map's descriptor was.
    pub insns: Vec<[u8; INSN_BYTES]>,
    /// The maps that instructions name.
    pub maps: BTreeMap<usize, String>,
    pub func_info: (u32, Vec<u8>),
    pub line_info: (u32, Vec<u8>),
    /// The functions, as the BTF declares them.
    pub functions: Vec<String>,
}
