//! Kprobes on many functions by one link.

use super::kallsyms::missing_function;
use super::lacking::refused;
use super::link::Link;
use super::many::{Many, one_each};
use super::{pattern, tracefs};
use crate::error::{Error, Result, ResultExt};
use crate::kallsyms::{self, each_line, each_symbol};
use crate::program::Program;
use crate::sys::{self, Errno, LinkArgs, LinkCreate, LinkTarget};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;

const KPROBES: Many = Many {
    attach_type: 42,
    session: 56,
    names: ["kprobe.multi", "kretprobe.multi", "kprobe.session"],
};
/// `BPF_F_KPROBE_MULTI_RETURN`.
const ON_RETURN: u32 = 1;

/// Functions of the kernel.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Functions<'a> {
    /// All that can be traced and fit: `*` stands for any letters, `?` for one.
    Pattern(&'a str),
    /// These; each has to exist.
    Names(&'a [&'a str]),
    /// Those that begin at these addresses.
    Addresses(&'a [u64]),
}

/// How to attach to many kernel functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KprobeMultiOptions {
    /// When the functions return, not when they are entered. A session, which
    /// its section says, is on both.
    pub on_return: bool,
    /// What `bpf_get_attach_cookie` gives in each function: none, or one for
    /// each name or address.
    pub cookies: Vec<u64>,
}

impl Program {
    /// Attaches a kprobe.multi or kprobe.session program to many functions,
    /// whatever its section says.
    ///
    /// # Errors
    /// `NotFound` where no function fits or a name is unknown; `InvalidInput`
    /// for another number of cookies than functions, or for cookies with a
    /// pattern; `Unsupported` for kernels without; what the kernel says
    /// otherwise.
    ///
    /// Kernel: 5.18, sessions since 6.10
    pub fn attach_kprobe_multi(
        &self,
        functions: Functions<'_>,
        options: &KprobeMultiOptions,
    ) -> Result<Link> {
        let attach = || match functions {
            Functions::Pattern(_) if !options.cookies.is_empty() => Err(Error::invalid_input(
                "cookies need names or addresses, not a pattern",
            )),
            Functions::Pattern(pattern) => attach_pattern(self, pattern, options.on_return),
            Functions::Names(names) => attach_names(self, names, options),
            Functions::Addresses(addresses) => {
                let functions = sys::Functions::Addresses(addresses);
                create(self, functions, addresses.len(), options, no_such_address)
            }
        };
        attach().with_context(|| self.context())
    }
}

/// Attaches to all functions that fit, or to the one that has that name.
pub(super) fn attach_pattern(program: &Program, text: &str, on_return: bool) -> Result<Link> {
    let options = KprobeMultiOptions {
        on_return,
        cookies: Vec::new(),
    };
    if !pattern::is_pattern(text) {
        return attach_names(program, &[text], &options);
    }
    let addresses = matching(text).with_context(|| format!("functions like {text}"))?;
    let functions = sys::Functions::Addresses(&addresses);
    create(
        program,
        functions,
        addresses.len(),
        &options,
        no_such_address,
    )
    .with_context(|| format!("{} functions like {text}", addresses.len()))
}

fn attach_names(program: &Program, names: &[&str], options: &KprobeMultiOptions) -> Result<Link> {
    let mut list = Vec::new();
    for name in names {
        if name.is_empty() || name.contains('\0') {
            return Err(Error::invalid_input(format!(
                "{name:?} is no function name"
            )));
        }
        list.extend_from_slice(name.as_bytes());
        list.push(0);
    }
    // The kernel does not say which name it does not know.
    let missing = || match names {
        [name] => missing_function(name),
        _ => Error::not_found(format!(
            "the kernel has no function of one of these names: {}",
            names.join(", ")
        )),
    };
    let functions = sys::Functions::Names(&list);
    create(program, functions, names.len(), options, missing)
}

fn create(
    program: &Program,
    functions: sys::Functions<'_>,
    count: usize,
    options: &KprobeMultiOptions,
    missing: impl FnOnce() -> Error,
) -> Result<Link> {
    let cookies = &options.cookies;
    one_each(cookies, "cookies", count)?;
    let (attach_type, how) = KPROBES.of(program, options.on_return);
    let link = LinkCreate {
        prog: program.as_fd(),
        target: LinkTarget::None,
        attach_type,
        flags: 0,
        args: LinkArgs::KprobeMulti {
            flags: if options.on_return { ON_RETURN } else { 0 },
            functions,
            cookies,
        },
    };
    let fd = sys::link_create(&link).map_err(|errno| match errno {
        Errno::SRCH | Errno::NOENT => missing(),
        errno => refused(errno, attach_type, how),
    })?;
    Ok(Link::new(fd, how))
}

fn no_such_address() -> Error {
    Error::not_found("at one of the addresses no function begins that can be traced")
}

/// The addresses of all traceable functions that fit.
fn matching(text: &str) -> Result<Vec<u64>> {
    let root = tracefs::root()?;
    let open = |name: &str| {
        let file = sys::open_read(&root.join(name));
        file.map(|file| BufReader::new(file.take(kallsyms::LIMIT_BYTES)))
    };
    let addresses = match open("available_filter_functions_addrs") {
        Ok(lines) => with_addresses(text, lines),
        // Before 6.5 the list has names alone.
        Err(Errno::NOENT) => {
            let lines = open("available_filter_functions");
            let names = names(
                text,
                lines.map_err(|errno| errno.error("available_filter_functions"))?,
            );
            resolve(names, kallsyms::open()?)
        }
        Err(errno) => return Err(errno.error("available_filter_functions_addrs")),
    };
    if addresses.is_empty() {
        return Err(Error::not_found("the kernel can trace no such function"));
    }
    Ok(addresses)
}

/// `ADDRESS NAME [MODULE]`, one in a line.
fn with_addresses(text: &str, lines: impl BufRead) -> Vec<u64> {
    let mut addresses = Vec::new();
    each_line(lines, |line| {
        let mut words = line.split(|byte| *byte == b' ' || *byte == b'\t');
        let (Some(address), Some(name)) = (words.next(), words.next()) else {
            return;
        };
        if pattern::matches(text.as_bytes(), name) {
            let address = core::str::from_utf8(address).ok();
            let address = address.and_then(|text| {
                u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
            });
            addresses.extend(address);
        }
    });
    addresses
}

/// How often each name that fits is in a list of `NAME [MODULE]`.
fn names(text: &str, lines: impl BufRead) -> BTreeMap<Box<[u8]>, usize> {
    let mut names = BTreeMap::new();
    each_line(lines, |line| {
        let name = line.split(|byte| *byte == b' ' || *byte == b'\t').next();
        let name = name.unwrap_or_default();
        if !name.is_empty() && pattern::matches(text.as_bytes(), name) {
            *names.entry(Box::from(name)).or_insert(0) += 1;
        }
    });
    names
}

/// The addresses of functions by name. Of a name that has more functions than
/// can be traced nobody can tell which they are: it is left out, as one wrong
/// address would make the kernel refuse all.
fn resolve(names: BTreeMap<Box<[u8]>, usize>, kallsyms: impl BufRead) -> Vec<u64> {
    let mut found: BTreeMap<&[u8], Vec<u64>> = BTreeMap::new();
    each_symbol(kallsyms, |symbol| {
        if matches!(symbol.kind, b't' | b'T' | b'w' | b'W') {
            if let Some((name, _)) = names.get_key_value(symbol.name) {
                found.entry(name).or_default().extend(symbol.address());
            }
        }
    });
    let exact = found
        .into_iter()
        .filter(|(name, addresses)| names.get(*name) == Some(&addresses.len()));
    exact.flat_map(|(_, addresses)| addresses).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_from_the_lines_that_fit() {
        let lines = b"ffffffff81000010 vfs_read\nffffffff81000020 vfs_write [m]\n0x30 ksys_x\nzzz vfs_y\nvfs\n\n";
        let found = with_addresses("vfs_*", lines.as_slice());
        assert_eq!(found, [0xffff_ffff_8100_0010, 0xffff_ffff_8100_0020]);
    }

    #[test]
    fn names_are_resolved_where_all_of_a_name_can_be_traced() {
        let names = names("f_*", b"f_one\nf_two [m]\nf_two\nf_three\ng\n".as_slice());
        let kallsyms =
            b"10 T f_one\n20 t f_two\t[m]\n30 t f_two\n40 t f_three\n50 t f_three\n60 d f_one\n";
        assert_eq!(resolve(names, kallsyms.as_slice()), [0x10, 0x20, 0x30]);
    }

    #[test]
    fn nonsense_in_the_lists_is_passed_over() {
        assert!(with_addresses("*", b"\xff\xff \n \n\t\t\n".as_slice()).is_empty());
        assert!(resolve(names("*", b"a\n".as_slice()), b"\xff x a\n1\n".as_slice()).is_empty());
    }
}
