//! What the kernel's types call a hook, a function or a variable.

use super::externs::{ExternKind, ExternSpec};
use super::types::AttachSpec;
use crate::btf::{Kind, essential_name};

impl AttachSpec {
    /// Kind and name of the type in the kernel's BTF that stands for the hook:
    /// a program of this kind is loaded for that type's id, so a kernel without
    /// the type does not have the hook. `None` where types play no part.
    pub fn kernel_type(&self) -> Option<(Kind, String)> {
        match self {
            Self::Fentry { func }
            | Self::Fexit { func }
            | Self::Fsession { func }
            | Self::FmodRet { func } => Some((Kind::Func, func.clone())),
            Self::TpBtf { name } => Some((Kind::Typedef, format!("btf_trace_{name}"))),
            Self::Lsm { hook } | Self::LsmCgroup { hook } => {
                Some((Kind::Func, format!("bpf_lsm_{hook}")))
            }
            Self::Iter { target } => Some((Kind::Func, format!("bpf_iter_{target}"))),
            _ => None,
        }
    }
}

impl ExternSpec {
    /// Kind and name of the type in the kernel's BTF, or in a module's, that
    /// stands for the extern. `None` where types play no part.
    pub fn kernel_type(&self) -> Option<(Kind, String)> {
        let kind = match self.kind {
            ExternKind::Function => Kind::Func,
            ExternKind::Variable => Kind::Var,
            _ => return None,
        };
        let name = essential_name(self.name.as_bytes());
        Some((kind, String::from_utf8_lossy(name).into_owned()))
    }
}
