//! Tables of functions for the kernel: laid out as its own struct says,
//! created as maps, registered when they are attached.
//!
//! Source: `bpf_map__init_kern_struct_ops`, tools/lib/bpf/libbpf.c.

mod layout;

use super::hooks::{Hook, exactly};
use super::{Object, kernel_name};
use crate::attach::{Link, Part, Undo};
use crate::btf::{Kind, Wanted, essential_name};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::kernel_btf::KernelBtf;
use crate::map::Map;
use crate::memlock::with_memlock;
use crate::spec::{AttachSpec, ObjectSpec};
use crate::sys::{self, Errno};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use layout::Layout;

/// What the kernel calls the value of a table's map.
const VALUE_PREFIX: &str = "bpf_struct_ops_";
/// `BPF_F_LINK`: registered by a link.
const BPF_F_LINK: u32 = 1 << 13;
/// The only key of a table's map.
const KEY: [u8; 4] = [0; 4];
/// `enum bpf_attach_type`.
const BPF_STRUCT_OPS: u32 = 44;

/// A table in the form that the kernel takes.
pub(super) struct Table {
    /// Index of its map in the specification.
    map: usize,
    /// The map's name.
    name: String,
    /// The map's value, without the functions.
    value: Vec<u8>,
    /// BTF id of the value's type, in the kernel or in a module.
    value_type_id: u32,
    module: Option<Arc<OwnedFd>>,
    /// Where in the value the descriptors of programs go.
    functions: Vec<(usize, String)>,
    is_link: bool,
}

/// The types that tables will be looked for.
pub(super) fn wanted(spec: &ObjectSpec) -> impl Iterator<Item = Wanted> + '_ {
    let created = spec.struct_ops.iter().filter(|table| table.autocreate);
    created.map(|table| exactly(Kind::Struct, &value_type_name(&table.type_name)))
}

fn value_type_name(type_name: &str) -> String {
    let length = essential_name(type_name.as_bytes()).len();
    let name = type_name.get(..length).unwrap_or(type_name);
    format!("{VALUE_PREFIX}{name}")
}

/// Lays out all tables that are to be created, and tells their programs which
/// member of which struct they are.
///
/// # Errors
/// `NotFound` for a table that the kernel does not know; `Unsupported` for a
/// member that it has not, or has otherwise.
pub(super) fn lay_out(
    spec: &mut ObjectSpec,
    kernel: &mut KernelBtf,
    hooks: &mut [Hook],
) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for index in 0..spec.struct_ops.len() {
        let Some(table) = spec.struct_ops.get(index).filter(|table| table.autocreate) else {
            continue;
        };
        let name = spec
            .maps
            .get(table.map)
            .map_or("", |map| &map.name)
            .to_owned();
        let laid_out = lay_out_one(spec, index, kernel, hooks);
        tables.push(laid_out.with_context(|| format!("struct_ops {name}"))?);
    }
    Ok(tables)
}

fn lay_out_one(
    spec: &mut ObjectSpec,
    index: usize,
    kernel: &mut KernelBtf,
    hooks: &mut [Hook],
) -> Result<Table> {
    let (Some(table), Some(btf)) = (spec.struct_ops.get(index), &spec.btf) else {
        return Err(Error::malformed("no such table"));
    };
    let value_name = value_type_name(&table.type_name);
    let place = kernel.places(&[(Kind::Struct, &value_name)])?;
    let place = place.into_iter().next().flatten().ok_or_else(|| {
        Error::not_found(format!(
            "the kernel has no table of functions {} (no struct {value_name})",
            table.type_name
        ))
    })?;
    let module = place
        .module
        .map(|module| kernel.module_fd(module))
        .transpose()?;
    let types = kernel.types(place.module)?;
    let layout = Layout::new(btf, &types, table, place.id)?;
    let laid_out = layout.fill()?;
    let map = spec.maps.get(table.map);
    let prepared = Table {
        map: table.map,
        name: map.map_or("", |map| &map.name).to_owned(),
        value: laid_out.value,
        value_type_id: place.id,
        module: module.clone(),
        functions: laid_out
            .functions
            .iter()
            .map(|f| (f.offset, f.program.clone()))
            .collect(),
        is_link: map.is_some_and(|map| map.flags & BPF_F_LINK != 0),
    };
    for function in laid_out.functions {
        let named = |program: &crate::spec::ProgramSpec| program.name == function.program;
        let program = spec.programs.iter().position(named);
        let context = || format!("member {}", function.member);
        let missing = || Error::not_found(format!("no program {}", function.program));
        let program = program.ok_or_else(missing).with_context(context)?;
        let (Some(entry), Some(hook)) = (spec.programs.get_mut(program), hooks.get_mut(program))
        else {
            continue;
        };
        if !matches!(entry.kind.attach, AttachSpec::StructOps { .. }) {
            let text = format!("{} is not in a section struct_ops", entry.name);
            return Err(Error::invalid_input(text)).with_context(context);
        }
        let number = function.kernel_member as u32;
        let id = laid_out.type_id;
        match hook {
            // One program may be in several tables, as the same member.
            Hook::Type { id: earlier, .. } => {
                if (*earlier, entry.kind.expected_attach_type) != (id, number) {
                    let text = format!("{} is another member already", entry.name);
                    return Err(Error::invalid_input(text)).with_context(context);
                }
            }
            hook => {
                let module = module.clone();
                *hook = Hook::Type { id, module };
                entry.kind.expected_attach_type = number;
            }
        }
    }
    Ok(prepared)
}

fn unsupported(cause: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    let feature = "this table of functions";
    let since = None;
    Error::new(ErrorKind::Unsupported { feature, since }, cause)
}

/// Creates the maps of tables; they come after all others, as in the
/// specification.
///
/// # Errors
/// `Unsupported` where the kernel did not take the object's BTF, without which
/// it takes no table.
pub(super) fn create(
    spec: &mut ObjectSpec,
    tables: &[Table],
    btf: Option<&OwnedFd>,
) -> Result<Vec<Map>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let no_btf = || unsupported("the kernel did not take the object's BTF");
    let btf = btf.ok_or_else(no_btf)?;
    let mut create = |table: &Table| {
        let map = spec.maps.get_mut(table.map);
        let map = map.ok_or_else(|| Error::not_found("its map"))?;
        map.value_size = table.value.len() as u32;
        let create = sys::StructOpsCreate {
            name: kernel_name(&table.name),
            value_bytes: map.value_size,
            map_flags: map.flags,
            value_type_id: table.value_type_id,
            btf: btf.as_fd(),
            module: table.module.as_ref().map(|fd| fd.as_fd()),
        };
        let created = with_memlock(|| sys::map_create_struct_ops(&create));
        let fd = created.map_err(|errno| match errno {
            Errno::INVAL if table.is_link => {
                let feature = "a table of functions with a link";
                Error::unsupported(feature, Some("6.4")).context("BPF_MAP_CREATE: EINVAL")
            }
            errno => errno.error("BPF_MAP_CREATE"),
        });
        let fd = fd.with_context(|| format!("struct_ops {}", table.name))?;
        let flags = map.flags;
        Ok(Map::new(map, 1, flags, fd))
    };
    tables.iter().map(&mut create).collect()
}

impl Object {
    /// Registers a table of functions (`SEC(".struct_ops")` and
    /// `SEC(".struct_ops.link")`): from now on the kernel calls its programs,
    /// which have to be loaded. Unregistered on drop.
    ///
    /// # Errors
    /// `NotFound` for a table that the object does not have or did not create,
    /// or whose programs are not loaded; what the kernel says otherwise: EEXIST
    /// for a name that is taken, EBUSY for a table that is registered.
    ///
    /// Kernel: 5.6, with a link 6.4
    pub fn attach_struct_ops(&self, name: &str) -> Result<Link> {
        self.register(name)
            .with_context(|| format!("object {}, struct_ops {name}", self.name))
    }

    /// Puts another table of the object in the place of the one that a link
    /// registered.
    ///
    /// # Errors
    /// As [`Object::attach_struct_ops`]; `InvalidInput` for what is no link of
    /// the kernel.
    ///
    /// Kernel: 6.4
    pub fn update_struct_ops(&self, link: &Link, name: &str) -> Result<()> {
        let update = || {
            let (map, table) = self.table(name)?;
            self.fill_table(map, table)?;
            let no_link = || Error::invalid_input("it was registered without a link");
            let link = link.kernel_link().filter(|_| table.is_link);
            sys::link_update(link.ok_or_else(no_link)?, map.as_fd(), None)
                .map_err(|errno| errno.error("BPF_LINK_UPDATE"))
        };
        update().with_context(|| format!("object {}, struct_ops {name}", self.name))
    }

    fn table(&self, name: &str) -> Result<(&Map, &Table)> {
        let table = self.tables.iter().find(|table| table.name == name);
        let missing = || Error::not_found("no table of this name was created");
        Ok((self.map(name)?, table.ok_or_else(missing)?))
    }

    /// Writes the value with its functions. A table that had it written for a
    /// link keeps it.
    fn fill_table(&self, map: &Map, table: &Table) -> Result<()> {
        let mut value = table.value.clone();
        for (offset, program) in &table.functions {
            let fd = self.program(program)?.as_fd().as_raw_fd();
            let place = value.get_mut(*offset..).unwrap_or_default();
            if let Some(place) = place.first_chunk_mut() {
                *place = u64::from(fd as u32).to_le_bytes();
            }
        }
        match sys::map_update_elem(map.fd(), &KEY, &value, 0) {
            Err(Errno::BUSY) if table.is_link => Ok(()),
            other => other.map_err(|errno| errno.error("BPF_MAP_UPDATE_ELEM")),
        }
    }

    fn register(&self, name: &str) -> Result<Link> {
        let (map, table) = self.table(name)?;
        self.fill_table(map, table)?;
        if !table.is_link {
            let clone = map.fd().try_clone().map_err(|errno| errno.error("dup"));
            let registered = Registered(clone?);
            return Ok(Link::from_parts(vec![Part::undo(registered)], "struct_ops"));
        }
        let link = sys::link_create(&sys::LinkCreate {
            prog: map.as_fd(),
            target: sys::LinkTarget::None,
            attach_type: BPF_STRUCT_OPS,
            flags: 0,
            args: sys::LinkArgs::None,
        });
        let link = link.map_err(|errno| errno.error("BPF_LINK_CREATE"))?;
        Ok(Link::new(link, "struct_ops/link"))
    }
}

/// A table that was registered by writing it; removing it is the way back.
#[derive(Debug)]
struct Registered(sys::MapFd);

impl Undo for Registered {
    fn undo(&mut self) -> Result<()> {
        sys::map_delete_elem(&self.0, &KEY).map_err(|errno| errno.error("BPF_MAP_DELETE_ELEM"))
    }
}

#[cfg(test)]
mod tests;
