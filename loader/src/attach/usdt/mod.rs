//! Static probes of user programs (USDT): one uprobe at each place that the
//! compiler put the probe to, and a table that tells the program where the
//! arguments are there. Where the kernel has links to many places, all probes
//! are one of them; whether it has is settled when the program is loaded.

mod args;
mod maps;
mod notes;
mod spec;

pub(crate) use spec::UsdtMaps;

use super::binary::{Binary, find_file};
use super::link::{Link, Part, Undo};
use super::uprobe::{Place, attach_at};
use super::uprobe_multi::{self, UPROBE_MULTI, UprobeMultiOptions};
use super::{AttachOptions, Rung};
use crate::btf::ReadAt;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::program::Program;
use args::Arch;
use notes::Site;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// How to attach to a static probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsdtOptions {
    /// One process alone, 0 for this one; `None` for all. Kernels without cookies (before 5.15)
    /// demand one for programs and libraries that may lie anywhere.
    pub pid: Option<i32>,
    /// What `bpf_usdt_cookie` gives the program; 0 for none.
    pub cookie: u64,
}

/// What an attached probe holds in the object's tables.
#[derive(Debug)]
struct Held {
    maps: Arc<UsdtMaps>,
    ids: Vec<u32>,
    addresses: Vec<u64>,
}

impl Undo for Held {
    fn undo(&mut self) -> Result<()> {
        self.maps.remove(&self.ids, &self.addresses)
    }
}

impl Program {
    /// Attaches a usdt program to a static probe of `binary`, as in
    /// [`Program::attach_uprobe`]. All its places are one link.
    ///
    /// # Errors
    /// `NotFound` for a binary or probe that is not there; `Malformed` for
    /// broken notes; `InvalidInput` where the object does not use usdt.bpf.h, or
    /// its table is full; `Unsupported` for arguments that cannot be read; what
    /// the kernel says otherwise.
    ///
    /// Kernel: 4.3, semaphores since 4.20
    pub fn attach_usdt(
        &self,
        binary: &str,
        provider: &str,
        name: &str,
        options: &UsdtOptions,
    ) -> Result<Link> {
        attach(self, binary, provider, name, options).with_context(|| self.context())
    }
}

pub(super) fn attach(
    program: &Program,
    binary: &str,
    provider: &str,
    name: &str,
    options: &UsdtOptions,
) -> Result<Link> {
    if provider.is_empty() || name.is_empty() {
        return Err(Error::invalid_input(
            "the section names no static probe (usdt/BINARY:PROVIDER:NAME)",
        ));
    }
    let no_maps = || Error::invalid_input("the object does not use usdt.bpf.h");
    let maps = program.usdt_maps().ok_or_else(no_maps)?;
    let file = find_file(binary)?;
    let binary = Binary::open(&file)?;
    let sites = notes::sites(&binary, provider, name);
    let sites = sites.with_context(|| format!("binary {file}"))?;
    let mut attaching = Attaching {
        program,
        path: &file.path,
        arch: Arch::of_machine(binary.machine)?,
        is_fixed: binary.is_fixed,
        options,
        by_args: BTreeMap::new(),
        held: Held {
            maps: Arc::clone(maps),
            ids: Vec::new(),
            addresses: Vec::new(),
        },
    };
    let mut parts = Vec::with_capacity(sites.len() + 1);
    let (attached, how) = match program.expected_attach_type() {
        UPROBE_MULTI => {
            let all = attaching.attach_all(&sites);
            (all.map(|all| parts.extend(all.parts)), "usdt/multi")
        }
        _ => {
            let attached = sites.iter().try_for_each(|site| {
                parts.push(attaching.attach(site)?);
                Ok(())
            });
            (attached, "usdt")
        }
    };
    // The probes go before what they use.
    parts.push(Part::undo(attaching.held));
    let link = Link::from_parts(parts, how);
    attached
        .with_context(|| format!("static probe {provider}:{name}"))
        .map(|()| link)
}

/// Is a probe there whose places and arguments can be read?
pub(super) fn is_understood<R: ReadAt>(binary: &Binary<R>, provider: &str, name: &str) -> bool {
    let read = || {
        let arch = Arch::of_machine(binary.machine)?;
        let sites = notes::sites(binary, provider, name)?;
        let mut all = sites.iter().map(|site| args::parse(arch, &site.args));
        all.try_for_each(|args| args.map(drop))
    };
    read().is_ok()
}

/// One probe on its way.
struct Attaching<'a> {
    program: &'a Program,
    path: &'a Path,
    arch: Arch,
    is_fixed: bool,
    options: &'a UsdtOptions,
    /// Places with the same arguments share a specification.
    by_args: BTreeMap<&'a str, u32>,
    held: Held,
}

impl<'a> Attaching<'a> {
    /// The number of the specification that a place has.
    fn spec_id(&mut self, site: &'a Site) -> Result<u32> {
        if let Some(id) = self.by_args.get(&*site.args) {
            return Ok(*id);
        }
        let args = args::parse(self.arch, &site.args)?;
        let id = self.held.maps.add(&args, self.options.cookie)?;
        self.held.ids.push(id);
        self.by_args.insert(&site.args, id);
        Ok(id)
    }

    /// One link for all places.
    fn attach_all(&mut self, sites: &'a [Site]) -> Result<Link> {
        let ids = sites.iter().map(|site| self.spec_id(site).map(u64::from));
        let cookies = ids.collect::<Result<_>>()?;
        let options = UprobeMultiOptions {
            on_return: false,
            pid: self.options.pid,
            cookies,
            ref_ctr_offsets: sites.iter().map(|site| site.semaphore_offset).collect(),
        };
        let offsets: Vec<u64> = sites.iter().map(|site| site.offset).collect();
        uprobe_multi::attach_at(self.program, self.path, &offsets, &options)
    }

    /// A probe for one place.
    fn attach(&mut self, site: &'a Site) -> Result<Part> {
        let id = self.spec_id(site)?;
        let place = Place {
            path: self.path,
            offset: site.offset,
            ref_ctr_offset: site.semaphore_offset,
            on_return: false,
            pid: self.options.pid,
        };
        let by_link = AttachOptions {
            cookie: id.into(),
            rung: Rung::Link,
        };
        match attach_at(self.program, &place, &by_link) {
            // Cookies come with links alone.
            Ok((part, _)) if part.is_link() => return Ok(part),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported { .. }) => {}
            Err(error) => return Err(error),
        }
        let addr = self.address(site)?;
        self.held.maps.add_address(addr, id)?;
        self.held.addresses.push(addr);
        let by_address = AttachOptions {
            cookie: 0,
            rung: Rung::Ioctl,
        };
        attach_at(self.program, &place, &by_address).map(|(part, _)| part)
    }

    /// Where a place is in the memory of the process.
    fn address(&self, site: &Site) -> Result<u64> {
        if self.is_fixed {
            return Ok(site.addr);
        }
        let Some(pid) = self.options.pid else {
            let error = Error::unsupported("a cookie for perf events", Some("5.15"));
            return Err(error.context(
                "without it a static probe of a binary that may lie anywhere needs a process",
            ));
        };
        maps::address_of(pid, self.path, site.offset)
    }
}
