//! A kernel that takes everything and remembers what it was given.
//!
//! One per thread, from [`boot`] on. Descriptors are real files in memory, so
//! that they can be duplicated, mapped and closed; what they stand for is
//! looked up here by their number, of which the latest use counts.
#![allow(unsafe_code, reason = "it reads what bpf(2)'s pointers point to")]

use core::ffi::{c_int, c_long};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::functions;
use super::records::{INSN_BYTES, MapRecord, ProgRecord};

/// The longest structure of bpf(2) that is looked at, in bytes.
const ATTR_BYTES: usize = 256;
/// The largest file behind a map; it takes no memory until it is written to.
const MAX_FILE_BYTES: u64 = 1 << 36;

/// Commands of bpf(2). Source: include/uapi/linux/bpf.h
mod command {
    pub const MAP_CREATE: i64 = 0;
    pub const MAP_LOOKUP_ELEM: i64 = 1;
    pub const MAP_UPDATE_ELEM: i64 = 2;
    pub const MAP_DELETE_ELEM: i64 = 3;
    pub const PROG_LOAD: i64 = 5;
    pub const OBJ_PIN: i64 = 6;
    pub const OBJ_GET: i64 = 7;
    pub const OBJ_GET_INFO_BY_FD: i64 = 15;
    pub const RAW_TRACEPOINT_OPEN: i64 = 17;
    pub const BTF_LOAD: i64 = 18;
    pub const MAP_FREEZE: i64 = 22;
    pub const BTF_GET_NEXT_ID: i64 = 23;
    pub const LINK_CREATE: i64 = 28;
    pub const PROG_BIND_MAP: i64 = 35;
}

/// The attach type of links to many places of a binary.
const UPROBE_MULTI: u32 = 48;
/// Map types whose values are descriptors.
const PROG_ARRAY: u32 = 3;
const ARRAY_OF_MAPS: u32 = 12;
const HASH_OF_MAPS: u32 = 13;
const ARENA: u32 = 33;
/// Map types with a value per CPU, whose length the caller alone knows.
const PER_CPU: [u32; 4] = [5, 6, 10, 21];

/// The structure of one call, zeros behind its end.
pub struct Attr {
    bytes: [u8; ATTR_BYTES],
    address: usize,
    len: usize,
}

impl Attr {
    /// # Safety
    /// `size` bytes can be read and written at `address`.
    pub unsafe fn read(address: c_long, size: c_long) -> Self {
        let len = (size as usize).min(ATTR_BYTES);
        let mut bytes = [0; ATTR_BYTES];
        // SAFETY: the caller's promise.
        bytes[..len].copy_from_slice(unsafe { memory(address as u64, len) });
        let address = address as usize;
        Self {
            bytes,
            address,
            len,
        }
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().unwrap())
    }

    fn name(&self, at: usize) -> String {
        let name = self.bytes[at..at + 16].split(|&byte| byte == 0).next();
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }

    /// What the pointer at `at` points to.
    fn bytes(&self, at: usize, len: usize) -> Vec<u8> {
        // SAFETY: both loaders pass pointers to live memory of that length, as
        // the real kernel would demand.
        unsafe { memory(self.u64(at), len) }.to_vec()
    }

    /// Writes a word of the structure back.
    fn answer(&self, at: usize, word: u32) {
        assert!(at + 4 <= self.len);
        // SAFETY: inside of the caller's structure, which it lets be written.
        unsafe { core::ptr::write_unaligned((self.address + at) as *mut u32, word) };
    }
}

/// # Safety
/// `len` bytes can be read at `address`, unless `len` is 0.
unsafe fn memory<'m>(address: u64, len: usize) -> &'m [u8] {
    if address == 0 || len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(address as usize as *const u8, len) }
}

#[derive(Clone)]
enum Thing {
    Map(usize),
    Prog(usize),
    Btf(usize),
    Other,
}

#[derive(Default)]
struct Kernel {
    things: BTreeMap<c_int, Thing>,
    maps: Vec<MapRecord>,
    progs: Vec<ProgRecord>,
    /// Raw BTF, as it was loaded.
    btfs: Vec<Vec<u8>>,
}

thread_local! {
    static KERNEL: RefCell<Kernel> = RefCell::default();
    /// Is it one from before 6.8, which reads no tags of arguments?
    static READS_NO_TAGS: Cell<bool> = const { Cell::new(false) };
}

/// Makes this thread's kernel one that reads no tags of arguments.
pub fn read_no_tags() {
    READS_NO_TAGS.set(true);
}

/// Forgets everything.
pub fn boot() {
    KERNEL.with_borrow_mut(|kernel| *kernel = Kernel::default());
}

/// The map behind a descriptor.
pub fn map(fd: c_int) -> Option<MapRecord> {
    KERNEL.with_borrow(|kernel| match kernel.things.get(&fd) {
        Some(Thing::Map(index)) => kernel.maps.get(*index).cloned(),
        _ => None,
    })
}

/// The program behind a descriptor.
pub fn program(fd: c_int) -> Option<ProgRecord> {
    KERNEL.with_borrow(|kernel| match kernel.things.get(&fd) {
        Some(Thing::Prog(index)) => kernel.progs.get(*index).cloned(),
        _ => None,
    })
}

/// A descriptor that stands for another thing from now on.
pub fn duplicated(from: c_int, to: c_int) {
    KERNEL.with_borrow_mut(|kernel| {
        if let Some(thing) = kernel.things.get(&from).cloned() {
            kernel.things.insert(to, thing);
        }
    });
}

/// Answers one command; an errno is an error.
pub fn bpf(command: c_long, attr: &Attr) -> Result<c_long, c_int> {
    KERNEL.with_borrow_mut(|kernel| match command {
        command::MAP_CREATE => kernel.map_create(attr),
        command::PROG_LOAD => kernel.prog_load(attr),
        command::BTF_LOAD => {
            kernel.btfs.push(attr.bytes(0, attr.u32(16) as usize));
            kernel.descriptor(Thing::Btf(kernel.btfs.len() - 1), 0)
        }
        command::MAP_UPDATE_ELEM => kernel.map_update(attr),
        command::MAP_FREEZE => {
            kernel.map_of(attr.u32(0))?.frozen = true;
            Ok(0)
        }
        command::OBJ_GET_INFO_BY_FD => kernel.info(attr),
        // A folder is no binary, and -1 no process.
        command::LINK_CREATE if attr.u32(8) == UPROBE_MULTI => match attr.u32(56) {
            u32::MAX => Err(libc::EINVAL),
            _ => Err(libc::EBADF),
        },
        command::RAW_TRACEPOINT_OPEN | command::LINK_CREATE => kernel.descriptor(Thing::Other, 0),
        command::MAP_DELETE_ELEM | command::PROG_BIND_MAP | command::OBJ_PIN => Ok(0),
        command::MAP_LOOKUP_ELEM | command::OBJ_GET | command::BTF_GET_NEXT_ID => Err(libc::ENOENT),
        _ => Err(libc::EOPNOTSUPP),
    })
}

impl Kernel {
    fn descriptor(&mut self, thing: Thing, len_bytes: u64) -> Result<c_long, c_int> {
        // SAFETY: the name ends with a NUL.
        let fd = unsafe { libc::memfd_create(c"recorded".as_ptr(), libc::MFD_CLOEXEC) };
        assert!(fd >= 0, "memfd_create: {}", std::io::Error::last_os_error());
        let len_bytes = len_bytes.min(MAX_FILE_BYTES) as libc::off_t;
        // SAFETY: a descriptor of our own and a number.
        assert_eq!(unsafe { libc::ftruncate(fd, len_bytes) }, 0);
        self.things.insert(fd, thing);
        Ok(fd.into())
    }

    fn map_of(&mut self, fd: u32) -> Result<&mut MapRecord, c_int> {
        match self.things.get(&(fd as c_int)) {
            Some(Thing::Map(index)) => self.maps.get_mut(*index).ok_or(libc::EBADF),
            _ => Err(libc::EBADF),
        }
    }

    fn name_of(&self, fd: u32) -> String {
        match self.things.get(&(fd as c_int)) {
            Some(Thing::Map(index)) => format!("map {}", self.maps[*index].name),
            Some(Thing::Prog(index)) => format!("program {}", self.progs[*index].name),
            _ => format!("no map or program: {fd}"),
        }
    }

    fn map_create(&mut self, attr: &Attr) -> Result<c_long, c_int> {
        let (map_type, inner) = (attr.u32(0), attr.u32(20));
        let inner = match map_type {
            ARRAY_OF_MAPS | HASH_OF_MAPS => {
                let mut inner = self.map_of(inner)?.clone();
                // Inner maps are models; loaders name them as they like.
                inner.name.clear();
                Some(Box::new(inner))
            }
            _ => None,
        };
        let map = MapRecord {
            name: attr.name(28),
            map_type,
            key_bytes: attr.u32(4),
            value_bytes: attr.u32(8),
            max_entries: attr.u32(12),
            flags: attr.u32(16),
            numa_node: attr.u32(24),
            extra: attr.u64(64),
            has_btf: attr.u32(48) != 0,
            key_type_id: attr.u32(52),
            value_type_id: attr.u32(56),
            kernel_value_type_id: attr.u32(60),
            inner,
            ..MapRecord::default()
        };
        let value_bytes = u64::from(map.value_bytes).next_multiple_of(8);
        let entry_bytes = if map_type == ARENA { 4096 } else { value_bytes };
        let len_bytes = (entry_bytes * u64::from(map.max_entries)).next_multiple_of(4096);
        self.maps.push(map);
        self.descriptor(Thing::Map(self.maps.len() - 1), len_bytes)
    }

    fn map_update(&mut self, attr: &Attr) -> Result<c_long, c_int> {
        let map = self.map_of(attr.u32(0))?.clone();
        if PER_CPU.contains(&map.map_type) {
            return Ok(0);
        }
        let key = attr.bytes(8, map.key_bytes as usize);
        let mut value = attr.bytes(16, map.value_bytes as usize);
        if [PROG_ARRAY, ARRAY_OF_MAPS, HASH_OF_MAPS].contains(&map.map_type) {
            let fd = u32::from_le_bytes(value.as_slice().try_into().map_err(|_| libc::EINVAL)?);
            value = self.name_of(fd).into_bytes();
        }
        self.map_of(attr.u32(0))?.content.insert(key, value);
        Ok(0)
    }

    fn prog_load(&mut self, attr: &Attr) -> Result<c_long, c_int> {
        let insns = attr.bytes(8, attr.u32(4) as usize * INSN_BYTES);
        let mut insns: Vec<[u8; INSN_BYTES]> = insns
            .chunks_exact(INSN_BYTES)
            .map(|insn| insn.try_into().unwrap())
            .collect();
        let mut maps = BTreeMap::new();
        for (index, insn) in insns.iter_mut().enumerate() {
            // ldimm64 with a map's descriptor: BPF_PSEUDO_MAP_FD, _MAP_VALUE.
            if insn[0] == 0x18 && matches!(insn[1] >> 4, 1 | 2) {
                let fd = u32::from_le_bytes(insn[4..].try_into().unwrap());
                maps.insert(index, self.name_of(fd));
                insn[4..].fill(0);
            }
        }
        let records = |bytes: usize, pointer: usize, count: usize| {
            let size = attr.u32(bytes);
            let all = attr.bytes(pointer, (size * attr.u32(count)) as usize);
            (if all.is_empty() { 0 } else { size }, all)
        };
        let func_info = records(76, 80, 88);
        let btf: &[u8] = match self.things.get(&(attr.u32(72) as c_int)) {
            Some(Thing::Btf(index)) => &self.btfs[*index],
            _ => &[],
        };
        if READS_NO_TAGS.get() && functions::has_bare_context(btf, &func_info) {
            return Err(libc::EINVAL);
        }
        let prog = ProgRecord {
            functions: functions::declarations(btf, &func_info),
            name: attr.name(48),
            prog_type: attr.u32(0),
            expected_attach_type: attr.u32(68),
            flags: attr.u32(44),
            license: license(attr),
            has_btf: attr.u32(72) != 0,
            attach_btf_id: attr.u32(108),
            insns,
            maps,
            func_info,
            line_info: records(92, 96, 104),
        };
        self.progs.push(prog);
        self.descriptor(Thing::Prog(self.progs.len() - 1), 0)
    }

    /// Number, type and sizes of a map; a program's type and number. The rest
    /// stays as the caller left it.
    fn info(&mut self, attr: &Attr) -> Result<c_long, c_int> {
        let fd = attr.u32(0) as c_int;
        let words = match self.things.get(&fd) {
            Some(Thing::Map(index)) => {
                let map = &self.maps[*index];
                let sizes = [map.key_bytes, map.value_bytes, map.max_entries];
                vec![
                    map.map_type,
                    fd as u32,
                    sizes[0],
                    sizes[1],
                    sizes[2],
                    map.flags,
                ]
            }
            Some(Thing::Prog(index)) => vec![self.progs[*index].prog_type, fd as u32],
            _ => return Err(libc::EBADF),
        };
        let len = words.len() * 4;
        if (attr.u32(4) as usize) < len {
            return Err(libc::EINVAL);
        }
        for (index, word) in words.into_iter().enumerate() {
            let place = attr.u64(8) as usize + index * 4;
            // SAFETY: inside of the caller's buffer, whose length it told.
            unsafe { core::ptr::write_unaligned(place as *mut u32, word) };
        }
        attr.answer(4, len as u32);
        Ok(0)
    }
}

fn license(attr: &Attr) -> String {
    let address = attr.u64(16) as usize as *const core::ffi::c_char;
    // SAFETY: a license is a text with a NUL at its end.
    let license = unsafe { core::ffi::CStr::from_ptr(address) };
    license.to_string_lossy().into_owned()
}
