//! Functions and enums of a kernel, as far as a loader asks for them.

use super::types::{Kind, Type};
use super::{MAX_RESOLVE_DEPTH, Target, Types};
use crate::error::{Error, Result, ResultExt};

/// What a kernel function takes and gives.
///
/// ```
/// # use trapline_loader::kernel_btf::KernelBtf;
/// # fn main() -> trapline_loader::Result<()> {
/// # let path = "../vm-images/btf/6.12.btf";
/// let mut kernel = KernelBtf::from_file(path);
/// let unlink = kernel.target()?.prototype("vfs_unlink")?.expect("every kernel has it");
/// // Where an argument is, whatever stands before it in this version.
/// assert_eq!(unlink.position("dentry"), Some(2));
/// assert_eq!(unlink.returns, "int");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prototype {
    /// BTF id of the FUNC, or of a tracepoint's typedef.
    pub id: u32,
    /// Parameters, in order; a tracepoint's without its hidden first one.
    pub parameters: Vec<ParameterInfo>,
    /// The result's type as C writes it.
    pub returns: String,
}

/// One parameter of a [`Prototype`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Name, empty where the kernel gives none.
    pub name: String,
    /// BTF id of its type.
    pub type_id: u32,
    /// Its type as C writes it: `const struct path *`.
    pub type_name: String,
}

impl Prototype {
    /// Position of the parameter with this name, from 0.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.parameters.iter().position(|p| p.name == name)
    }

    /// Position of the only parameter of this type, from 0.
    pub fn position_of_type(&self, type_name: &str) -> Option<usize> {
        let mut all = self.parameters.iter().enumerate();
        let mut all = all.by_ref().filter(|(_, p)| p.type_name == type_name);
        match (all.next(), all.next()) {
            (Some((position, _)), None) => Some(position),
            _ => None,
        }
    }
}

impl Target<'_> {
    /// BTF id of the kernel function that `fentry` and its like attach to.
    ///
    /// # Errors
    /// As [`Target::find`].
    pub fn func_id(&mut self, func: &str) -> Result<Option<u32>> {
        self.find_one(Kind::Func, func)
    }

    /// BTF id that `tp_btf` attaches to: the typedef `btf_trace_NAME`.
    ///
    /// # Errors
    /// As [`Target::find`].
    pub fn tracepoint_id(&mut self, tracepoint: &str) -> Result<Option<u32>> {
        self.find_one(Kind::Typedef, &format!("btf_trace_{tracepoint}"))
    }

    /// The prototype of a kernel function, `None` if there is no such one.
    ///
    /// # Errors
    /// As [`Target::find`]; `Malformed` for a function without a prototype.
    pub fn prototype(&mut self, func: &str) -> Result<Option<Prototype>> {
        let Some(id) = self.func_id(func)? else {
            return Ok(None);
        };
        let proto = self.type_by_id(id)?.size_or_type;
        self.read_prototype(id, proto, 0)
            .with_context(|| format!("function {func}"))
            .map(Some)
    }

    /// The prototype of a tracepoint, `None` if there is no such one. Kernels
    /// give types here, but no names: look parameters up by type.
    ///
    /// # Errors
    /// As [`Target::prototype`].
    pub fn tracepoint_prototype(&mut self, tracepoint: &str) -> Result<Option<Prototype>> {
        let Some(id) = self.tracepoint_id(tracepoint)? else {
            return Ok(None);
        };
        let pointer = self.strip_modifiers(id)?;
        // The first parameter is the tracepoint's own `void *__data`.
        self.read_prototype(id, pointer.size_or_type, 1)
            .with_context(|| format!("tracepoint {tracepoint}"))
            .map(Some)
    }

    fn read_prototype(&self, id: u32, proto_id: u32, hidden: usize) -> Result<Prototype> {
        let proto = self.type_by_id(proto_id)?;
        if proto.kind() != Kind::FuncProto {
            return Err(Error::malformed(format!(
                "BTF type {proto_id} is no prototype"
            )));
        }
        let parameters = proto
            .parameters()
            .into_iter()
            .skip(hidden)
            .map(|parameter| {
                Ok(ParameterInfo {
                    name: self.text(parameter.name_off)?,
                    type_id: parameter.type_id,
                    type_name: type_text(self, parameter.type_id)?,
                })
            });
        Ok(Prototype {
            id,
            parameters: parameters.collect::<Result<_>>()?,
            returns: type_text(self, proto.size_or_type)?,
        })
    }

    /// Names and values of a kernel enum, `None` if there is no such one.
    /// Values are sign-extended to 64 bits where the enum is signed.
    ///
    /// # Errors
    /// As [`Target::find`].
    pub fn enum_values(&mut self, name: &str) -> Result<Option<Vec<(String, u64)>>> {
        let Some(id) = self.find_one(Kind::Enum, name)? else {
            return Ok(None);
        };
        let values = self.type_by_id(id)?.enumerators();
        let values = values
            .into_iter()
            .map(|e| Ok((self.text(e.name_off)?, e.value)));
        values.collect::<Result<_>>().map(Some)
    }
}

/// A type as C would write it, near enough to compare and to read.
/// Qualifiers of a parameter itself mean nothing to its caller: left out.
pub fn type_text(types: &dyn Types, id: u32) -> Result<String> {
    let mut behind = String::new();
    // Qualifiers of what the next step finds.
    let mut qualifiers = String::new();
    let mut at = id;
    for _ in 0..MAX_RESOLVE_DEPTH {
        let ty = types.type_by_id(at)?;
        match ty.kind() {
            Kind::Const if !behind.is_empty() => qualifiers.push_str("const "),
            Kind::Volatile if !behind.is_empty() => qualifiers.push_str("volatile "),
            Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag => {}
            Kind::Ptr => {
                behind.insert_str(0, &qualifiers);
                behind.insert(0, '*');
                qualifiers.clear();
            }
            Kind::Array => behind.push_str(&format!("[{}]", ty.array()?.count)),
            _ => {
                let base = base_text(types, &ty)?;
                let space = if behind.starts_with('*') { " " } else { "" };
                return Ok(format!("{qualifiers}{base}{space}{behind}"));
            }
        }
        at = match ty.kind() {
            Kind::Array => ty.array()?.element_type,
            _ => ty.size_or_type,
        };
    }
    Err(Error::malformed(format!(
        "BTF type {id} is behind too many others"
    )))
}

/// The innermost part of a type: its C keyword and its name.
pub fn base_text(types: &dyn Types, ty: &Type<'_>) -> Result<String> {
    let name = types.text(ty.name_off)?;
    let keyword = match ty.kind() {
        Kind::Void => return Ok("void".to_owned()),
        Kind::Struct => "struct ",
        Kind::Union => "union ",
        Kind::Fwd if ty.kind_flag() => "union ",
        Kind::Fwd => "struct ",
        Kind::Enum | Kind::Enum64 => "enum ",
        Kind::FuncProto => return Ok("func".to_owned()),
        _ => "",
    };
    let name = if name.is_empty() {
        "(anonymous)"
    } else {
        &name
    };
    Ok(format!("{keyword}{name}"))
}
