//! What the kernel's types call a hook.

use super::types::AttachSpec;
use crate::btf::Kind;

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
