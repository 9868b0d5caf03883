//! Tables of TOML, read key by key; each mistake knows its place.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use toml_span::value::{Table, Value, ValueInner};
use toml_span::{ErrorKind, Span};

/// What is wrong, and where: bytes from the start of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    at: usize,
    what: String,
}

impl Mistake {
    /// A mistake at a place.
    pub fn new(span: Span, what: impl Into<String>) -> Self {
        Self {
            at: span.start,
            what: what.into(),
        }
    }

    /// `LINE:COLUMN: WHAT`, both counted from 1.
    pub fn told(&self, text: &str) -> String {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default();
        format!("{line}:{}: {}", column.chars().count() + 1, self.what)
    }
}

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Placed<T> {
    /// Makes something of the value; what is wrong with it is wrong here.
    ///
    /// # Errors
    /// What `make` says.
    pub fn made<U, E: ToString>(self, make: impl FnOnce(&T) -> Result<U, E>) -> Result<U, Mistake> {
        make(&self.value).map_err(|error| Mistake::new(self.span, error.to_string()))
    }
}

/// A key that is not known beforehand, and its text.
pub type Entry = (Placed<String>, Placed<String>);

/// A table whose keys are taken out one by one.
#[derive(Debug)]
pub struct Section<'de> {
    /// `exclude`; empty: the whole document.
    name: String,
    rest: Table<'de>,
    known: Vec<&'static str>,
}

impl<'de> Section<'de> {
    /// The whole document.
    ///
    /// # Errors
    /// What is no TOML.
    pub fn document(text: &'de str) -> Result<Self, Mistake> {
        let parsed = toml_span::parse(text);
        let mut value = parsed.map_err(|error| Mistake::new(error.span, parse_error(&error)))?;
        match value.take() {
            ValueInner::Table(rest) => Ok(Self::new(String::new(), rest)),
            other => Err(Mistake::new(
                value.span,
                wrong("a document", "a table", &other),
            )),
        }
    }

    fn new(name: String, rest: Table<'de>) -> Self {
        Self {
            name,
            rest,
            known: Vec::new(),
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value<'de>> {
        self.known.push(key);
        self.rest.remove(key)
    }

    /// `exclude.pids`.
    fn path(&self, key: &str) -> String {
        match self.name.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.name),
        }
    }

    /// A table below; an empty one where there is none.
    ///
    /// # Errors
    /// What is no table.
    pub fn section(&mut self, key: &'static str) -> Result<Self, Mistake> {
        let path = self.path(key);
        let Some(mut value) = self.take(key) else {
            return Ok(Self::new(path, Table::new()));
        };
        match value.take() {
            ValueInner::Table(rest) => Ok(Self::new(path, rest)),
            other => Err(Mistake::new(value.span, wrong(&path, "a table", &other))),
        }
    }

    /// true or false.
    ///
    /// # Errors
    /// What is neither.
    pub fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Mistake> {
        let path = self.path(key);
        let Some(mut value) = self.take(key) else {
            return Ok(None);
        };
        match value.take() {
            ValueInner::Boolean(flag) => Ok(Some(flag)),
            other => Err(Mistake::new(
                value.span,
                wrong(&path, "true or false", &other),
            )),
        }
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// What is none, or out of them.
    pub fn number(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<u32>,
    ) -> Result<Option<Placed<u32>>, Mistake> {
        let path = self.path(key);
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        number(value, &path, &bounds).map(Some)
    }

    /// A list of whole numbers.
    ///
    /// # Errors
    /// What is none.
    pub fn numbers(&mut self, key: &'static str) -> Result<Vec<u32>, Mistake> {
        let path = self.path(key);
        let numbers = self.list(key)?.into_iter();
        numbers
            .map(|value| Ok(number(value, &path, &(0..=u32::MAX))?.value))
            .collect()
    }

    /// Text.
    ///
    /// # Errors
    /// What is none.
    pub fn text(&mut self, key: &'static str) -> Result<Option<Placed<String>>, Mistake> {
        let path = self.path(key);
        self.take(key).map(|value| text(value, &path)).transpose()
    }

    /// A list of texts.
    ///
    /// # Errors
    /// What is none.
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<Placed<String>>, Mistake> {
        let path = self.path(key);
        let texts = self.list(key)?.into_iter();
        texts.map(|value| text(value, &path)).collect()
    }

    fn list(&mut self, key: &'static str) -> Result<Vec<Value<'de>>, Mistake> {
        let path = self.path(key);
        let Some(mut value) = self.take(key) else {
            return Ok(Vec::new());
        };
        match value.take() {
            ValueInner::Array(list) => Ok(list),
            other => Err(Mistake::new(value.span, wrong(&path, "a list", &other))),
        }
    }

    /// Everything, where keys are not known beforehand: each with its text.
    ///
    /// # Errors
    /// What is no text.
    pub fn entries(self) -> Result<Vec<Entry>, Mistake> {
        let Self { name, rest, .. } = self;
        let entries = rest.into_iter().map(|(key, value)| {
            let path = format!("{name}.\"{}\"", key.name);
            let key = Placed {
                value: key.name.into_owned(),
                span: key.span,
            };
            Ok((key, text(value, &path)?))
        });
        entries.collect()
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// The first key that nobody asked for, and which there are.
    pub fn end(self) -> Result<(), Mistake> {
        let first = self.rest.keys().min_by_key(|key| key.span.start);
        let Some(key) = first else {
            return Ok(());
        };
        let mut what = format!("there is no {}", self.path(&key.name));
        // Writing to a String cannot fail.
        let _ = write!(what, "; there are {}", self.known.join(", "));
        Err(Mistake::new(key.span, what))
    }
}

fn number(
    mut value: Value<'_>,
    path: &str,
    bounds: &RangeInclusive<u32>,
) -> Result<Placed<u32>, Mistake> {
    let span = value.span;
    let found = match value.take() {
        ValueInner::Integer(found) => found,
        other => return Err(Mistake::new(span, wrong(path, "a whole number", &other))),
    };
    let fits = u32::try_from(found)
        .ok()
        .filter(|found| bounds.contains(found));
    let value = fits.ok_or_else(|| {
        let (least, most) = (bounds.start(), bounds.end());
        Mistake::new(
            span,
            format!("{path}: {found} is not between {least} and {most}"),
        )
    })?;
    Ok(Placed { value, span })
}

fn text(mut value: Value<'_>, path: &str) -> Result<Placed<String>, Mistake> {
    match value.take() {
        ValueInner::String(text) => Ok(Placed {
            value: text.into_owned(),
            span: value.span,
        }),
        other => Err(Mistake::new(
            value.span,
            wrong(path, "text in quotes", &other),
        )),
    }
}

fn wrong(path: &str, wanted: &str, found: &ValueInner<'_>) -> String {
    format!("{path} has to be {wanted}, and is {}", found.type_str())
}

/// What the parser says, with what it leaves out of its text.
fn parse_error(error: &toml_span::Error) -> String {
    match &error.kind {
        ErrorKind::UnexpectedEof => "the file ends here, and something is missing".to_owned(),
        ErrorKind::UnquotedString => "text has to stand in quotes".to_owned(),
        _ => error.to_string(),
    }
}
