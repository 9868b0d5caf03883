//! Global variables of a loaded object.

use super::{Element, Map, Memory, UpdateFlag};
use crate::error::{Error, Result};
use crate::spec::Variable;

/// The global variables of one section: `.data`, `.bss`, `.rodata`, a custom
/// one, or those in an arena.
///
/// They are read and written through memory where the kernel allows that, else
/// by reading and writing the whole section: then what programs write between
/// the two is lost.
#[derive(Debug)]
pub struct Data<'m> {
    map: &'m Map,
    memory: Option<Memory<'m>>,
    /// Where the variables begin in the memory.
    base: usize,
}

impl Map {
    /// The global variables in this map.
    ///
    /// # Errors
    /// `InvalidInput` for a map without any; what the kernel says to mapping.
    pub fn data(&self) -> Result<Data<'_>> {
        if self.variables.is_empty() {
            return Err(self.invalid("it holds no global variables".to_owned()));
        }
        let is_arena = self.arena.is_some();
        let memory = match is_arena || self.is_mmapable() {
            true => Some(self.memory()?),
            false => None,
        };
        let base = self.arena.as_ref().map_or(0, |(_, base)| *base);
        Ok(Data {
            map: self,
            memory,
            base,
        })
    }

    /// The global variables that lie in this map, by offset.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Where global variables begin in an arena; 0 for other maps.
    pub(crate) fn variables_base(&self) -> usize {
        self.arena.as_ref().map_or(0, |(_, base)| *base)
    }
}

impl Data<'_> {
    /// Are they reached through memory?
    pub fn is_mapped(&self) -> bool {
        self.memory.is_some()
    }

    /// The bytes of a variable.
    ///
    /// # Errors
    /// `NotFound` for a name that the section does not have; what the kernel
    /// says otherwise.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let (start, bytes) = self.place(name)?;
        let mut out = vec![0; bytes];
        match &self.memory {
            Some(memory) => memory.read(self.base + start, &mut out)?,
            None => out.copy_from_slice(self.slice(&mut self.value()?, start, bytes)?),
        }
        Ok(out)
    }

    /// Sets the bytes of a variable.
    ///
    /// # Errors
    /// As [`Data::read`]; `InvalidInput` for another number of bytes;
    /// `PermissionDenied` for constants.
    pub fn write(&self, name: &str, value: &[u8]) -> Result<()> {
        let (start, bytes) = self.place(name)?;
        if bytes != value.len() {
            let given = value.len();
            let cause = format!("variable {name} has {bytes} bytes, not {given}");
            return Err(self.map.invalid(cause));
        }
        match &self.memory {
            Some(memory) => memory.write(self.base + start, value),
            None => {
                let mut all = self.value()?;
                self.slice(&mut all, start, bytes)?.copy_from_slice(value);
                self.map.update(&[0; 4], &all, UpdateFlag::Exist)
            }
        }
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// As [`Data::read`]; `InvalidInput` for a type of another size.
    pub fn get<T: Element>(&self, name: &str) -> Result<T> {
        let (_, bytes) = self.place(name)?;
        if bytes != T::BYTES {
            let cause = format!("variable {name} has {bytes} bytes, not {}", T::BYTES);
            return Err(self.map.invalid(cause));
        }
        Ok(T::read(&self.read(name)?))
    }

    /// Sets the value of a variable.
    ///
    /// # Errors
    /// As [`Data::write`].
    pub fn set<T: Element>(&self, name: &str, value: &T) -> Result<()> {
        let mut bytes = vec![0; T::BYTES];
        value.write(&mut bytes);
        self.write(name, &bytes)
    }

    /// Offset and size of a variable.
    fn place(&self, name: &str) -> Result<(usize, usize)> {
        let mut variables = self.map.variables.iter();
        let found = variables.find(|variable| variable.name == name);
        let found = found.ok_or_else(|| {
            Error::not_found(format!("no variable {name}"))
                .context(format!("map {}", self.map.name))
        })?;
        Ok((found.offset as usize, found.size as usize))
    }

    fn value(&self) -> Result<Vec<u8>> {
        let value = self.map.lookup(&[0; 4])?;
        value.ok_or_else(|| self.map.invalid("it has no value".to_owned()))
    }

    fn slice<'b>(&self, all: &'b mut [u8], start: usize, bytes: usize) -> Result<&'b mut [u8]> {
        let place = all.get_mut(start..).and_then(|rest| rest.get_mut(..bytes));
        place.ok_or_else(|| self.map.invalid("the variable lies outside".to_owned()))
    }
}
