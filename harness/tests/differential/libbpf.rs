//! libbpf, asked to load an object.
#![allow(unsafe_code, reason = "libbpf is written in C")]

use core::ffi::{CStr, c_char, c_int};
use core::ptr::{NonNull, null, null_mut};
use std::cell::RefCell;
use std::ffi::CString;
use std::path::Path;

use libbpf_sys as sys;

use super::{Loaded, RING_BYTES, RINGBUF, kernel};

thread_local! {
    /// What libbpf printed since it was last asked.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

unsafe extern "C" {
    fn vsnprintf(
        buffer: *mut c_char,
        len: usize,
        format: *const c_char,
        arguments: *mut sys::__va_list_tag,
    ) -> c_int;
}

unsafe extern "C" fn print(
    level: sys::libbpf_print_level,
    format: *const c_char,
    arguments: *mut sys::__va_list_tag,
) -> c_int {
    if level > sys::LIBBPF_WARN {
        return 0;
    }
    let mut line = [0u8; 512];
    // SAFETY: a buffer of our own with its length; format and arguments are
    // passed on as libbpf gave them. What is written ends with a NUL.
    let line = unsafe {
        vsnprintf(line.as_mut_ptr().cast(), line.len(), format, arguments);
        CStr::from_ptr(line.as_ptr().cast())
    };
    SAID.with_borrow_mut(|said| {
        *said += line.to_string_lossy().trim_start_matches("libbpf: ");
    });
    0
}

/// Has libbpf say its warnings to this thread.
pub fn listen() {
    // SAFETY: a function that lives as long as the program.
    unsafe { sys::libbpf_set_print(Some(print)) };
}

/// An open object, closed on drop.
struct Object(NonNull<sys::bpf_object>);

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed once.
        unsafe { sys::bpf_object__close(self.0.as_ptr()) };
    }
}

impl Object {
    fn open(name: &str, bytes: &[u8], types: &Path) -> Result<Self, String> {
        let name = CString::new(name).expect("a name without NUL");
        let types = CString::new(types.as_os_str().as_encoded_bytes()).expect("no NUL");
        let options = sys::bpf_object_open_opts {
            sz: size_of::<sys::bpf_object_open_opts>() as sys::size_t,
            object_name: name.as_ptr(),
            btf_custom_path: types.as_ptr(),
            ..Default::default()
        };
        // SAFETY: bytes with their length, options that are read in the call.
        let object = unsafe {
            sys::bpf_object__open_mem(
                bytes.as_ptr().cast(),
                bytes.len() as u64,
                &raw const options,
            )
        };
        NonNull::new(object).map(Self).ok_or_else(|| said("open"))
    }

    fn programs(&self) -> Vec<NonNull<sys::bpf_program>> {
        // SAFETY: the object is open, and so are its programs.
        let next = |prog| unsafe { sys::bpf_object__next_program(self.0.as_ptr(), prog) };
        let first = NonNull::new(next(null_mut()));
        core::iter::successors(first, |prog| NonNull::new(next(prog.as_ptr()))).collect()
    }

    fn maps(&self) -> Vec<NonNull<sys::bpf_map>> {
        // SAFETY: the object is open, and so are its maps.
        let next = |map: *const _| unsafe { sys::bpf_object__next_map(self.0.as_ptr(), map) };
        let first = NonNull::new(next(null()));
        core::iter::successors(first, |map| NonNull::new(next(map.as_ptr()))).collect()
    }
}

fn name_of(prog: NonNull<sys::bpf_program>) -> String {
    // SAFETY: a program of an open object; its name ends with a NUL.
    let name = unsafe { CStr::from_ptr(sys::bpf_program__name(prog.as_ptr())) };
    name.to_string_lossy().into_owned()
}

/// Loads an object with the programs that `wanted` picks by name.
pub fn load(
    name: &str,
    bytes: &[u8],
    types: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Loaded, String> {
    SAID.take();
    let object = Object::open(name, bytes, types)?;
    for prog in object.programs() {
        // SAFETY: a program of an open object.
        unsafe { sys::bpf_program__set_autoload(prog.as_ptr(), wanted(&name_of(prog))) };
    }
    for map in object.maps() {
        // SAFETY: a map of an open object.
        unsafe {
            let map = map.as_ptr();
            if sys::bpf_map__type(map) == RINGBUF && sys::bpf_map__max_entries(map) == 0 {
                sys::bpf_map__set_max_entries(map, RING_BYTES);
            }
        }
    }
    // SAFETY: the object is open.
    if unsafe { sys::bpf_object__load(object.0.as_ptr()) } != 0 {
        return Err(said("load"));
    }
    let mut loaded = Loaded::default();
    for prog in object.programs() {
        // SAFETY: a program of an open object.
        let fd = unsafe { sys::bpf_program__fd(prog.as_ptr()) };
        loaded
            .programs
            .extend(kernel::program(fd).map(|record| (name_of(prog), record)));
    }
    for map in object.maps() {
        // SAFETY: a map of an open object.
        let fd = unsafe { sys::bpf_map__fd(map.as_ptr()) };
        loaded.maps.extend(kernel::map(fd));
    }
    Ok(loaded)
}

/// The names of an object's programs.
pub fn programs(name: &str, bytes: &[u8], types: &Path) -> Result<Vec<String>, String> {
    SAID.take();
    let object = Object::open(name, bytes, types)?;
    Ok(object.programs().into_iter().map(name_of).collect())
}

/// Objects made into one, as `bpftool gen object` does it.
pub fn link(objects: &[&[u8]], folder: &Path) -> Result<Vec<u8>, String> {
    SAID.take();
    let path = folder.join("linked.bpf.o");
    let name = CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL");
    // SAFETY: a path, and no options.
    let linker = unsafe { sys::bpf_linker__new(name.as_ptr(), null_mut()) };
    let linker = NonNull::new(linker).ok_or_else(|| said("link"))?;
    let mut linked = Ok(());
    for object in objects {
        let bytes = object.as_ptr().cast_mut().cast();
        // SAFETY: bytes with their length, which libbpf only reads.
        let added = unsafe {
            sys::bpf_linker__add_buf(linker.as_ptr(), bytes, object.len() as u64, null())
        };
        if added != 0 && linked.is_ok() {
            linked = Err(said("link"));
        }
    }
    // SAFETY: the linker is live until it is freed here.
    unsafe {
        if sys::bpf_linker__finalize(linker.as_ptr()) != 0 && linked.is_ok() {
            linked = Err(said("link"));
        }
        sys::bpf_linker__free(linker.as_ptr());
    }
    linked?;
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn said(what: &str) -> String {
    let said = SAID.take();
    format!("{what}: {}", said.trim_end().replace('\n', "; "))
}
