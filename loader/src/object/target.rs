//! Programs that attach to other programs: freplace, and fentry or fexit of a
//! BPF function. What they attach to is settled when they are loaded.

use crate::btf::{Kind, ObjectBtf};
use crate::error::{Error, Result, ResultExt};
use crate::spec::AttachSpec;
use crate::sys;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// `BPF_PROG_TYPE_EXT`.
const EXT: u32 = 28;
/// More types than any object has, in bytes.
const BTF_LIMIT_BYTES: u32 = 64 << 20;

/// The program that one of an object's programs attaches to.
#[derive(Clone, Debug)]
pub struct AttachTarget {
    program: String,
    target: Arc<OwnedFd>,
    function: Option<String>,
}

impl AttachTarget {
    /// Says that `program` of the object to load attaches to `function` of
    /// `target`, a loaded program; without `function` to the one that its
    /// section names.
    ///
    /// # Errors
    /// What the kernel says when the descriptor cannot be kept.
    pub fn new(program: &str, target: &impl AsFd, function: Option<&str>) -> Result<Self> {
        let target = target.as_fd().try_clone_to_owned();
        let target = target.map_err(|error| sys::Errno::from_io(&error).error("fcntl"))?;
        Ok(Self {
            program: program.to_owned(),
            target: Arc::new(target),
            function: function.map(str::to_owned),
        })
    }

    /// The target of a program, and the BTF id of its function there.
    pub(super) fn find<'t>(
        targets: &'t [Self],
        program: &str,
        prog_type: u32,
        attach: &AttachSpec,
    ) -> Result<Option<(BorrowedFd<'t>, u32)>> {
        let Some(found) = targets.iter().find(|target| target.program == program) else {
            return match prog_type {
                EXT => Err(Error::invalid_input(
                    "freplace replaces a function of a program that is loaded already: name it in LoadOptions::targets",
                )),
                _ => Ok(None),
            };
        };
        let function = match (&found.function, attach) {
            (Some(function), _) => function,
            (
                None,
                AttachSpec::Freplace { func }
                | AttachSpec::Fentry { func }
                | AttachSpec::Fexit { func }
                | AttachSpec::Fsession { func }
                | AttachSpec::FmodRet { func },
            ) => func,
            (None, _) => "",
        };
        let target = found.target.as_fd();
        Ok(Some((target, target_function(target, function)?)))
    }
}

/// The BTF id of a function in the types of a loaded program.
///
/// # Errors
/// `NotFound` where the program has no such function, or no types; what the
/// kernel says otherwise.
pub(crate) fn target_function(target: BorrowedFd<'_>, function: &str) -> Result<u32> {
    if function.is_empty() {
        return Err(Error::invalid_input("the section names no function"));
    }
    let find = || {
        let info = sys::prog_info(target).map_err(|errno| errno.error("program info"))?;
        if info.btf_id == 0 {
            return Err(Error::not_found("it was loaded without types"));
        }
        let bytes = sys::btf_get_fd_by_id(info.btf_id)
            .and_then(|btf| sys::btf_bytes(btf.as_fd(), BTF_LIMIT_BYTES));
        let btf = ObjectBtf::parse(&bytes.map_err(|errno| errno.error("BTF info"))?)?;
        let found = btf.find(Kind::Func, function);
        found.ok_or_else(|| Error::not_found(format!("it has no function {function}")))
    };
    find().with_context(|| "the program to attach to")
}
