//! A module's types on top of the kernel's.

use std::borrow::Cow;

use super::types::Type;
use super::{Target, Types};
use crate::error::Result;

/// The types of a kernel, or of one of its modules with the kernel's below.
#[derive(Clone, Copy, Debug)]
pub struct Split<'t, 'a> {
    base: &'t Target<'a>,
    module: Option<&'t Target<'a>>,
}

impl<'t, 'a> Split<'t, 'a> {
    /// `module` has been made by [`Target::of_module`] with this `base`.
    pub const fn new(base: &'t Target<'a>, module: Option<&'t Target<'a>>) -> Self {
        Self { base, module }
    }

    fn of_id(&self, id: u32) -> &'t Target<'a> {
        let module = self.module.filter(|module| id >= module.first_id());
        module.unwrap_or(self.base)
    }

    fn of_string(&self, offset: u32) -> &'t Target<'a> {
        let module = self.module.filter(|module| offset >= module.first_string());
        module.unwrap_or(self.base)
    }
}

impl Types for Split<'_, '_> {
    fn type_by_id(&self, id: u32) -> Result<Type<'_>> {
        self.of_id(id).type_by_id(id)
    }

    fn string(&self, offset: u32) -> Result<Cow<'_, [u8]>> {
        self.of_string(offset).string(offset)
    }

    fn string_is(&self, offset: u32, name: &[u8]) -> Result<bool> {
        self.of_string(offset).string_is(offset, name)
    }
}
