//! Where our loader does something else than libbpf on purpose.

/// Object, a part of the difference's text, why.
const INTENDED: &[(&str, &str, &str)] = &[];

/// Why a difference is as it should be, if it is.
pub fn reason(object: &str, difference: &str) -> Option<&'static str> {
    let mut all = INTENDED.iter().filter(|(name, _, _)| *name == object);
    let found = all.find(|(_, text, _)| difference.contains(text));
    found.map(|(_, _, reason)| *reason)
}

/// The entries of an object.
pub fn of(object: &str) -> impl Iterator<Item = &'static str> {
    let of_object = INTENDED.iter().filter(move |(name, _, _)| *name == object);
    of_object.map(|(_, text, _)| *text)
}

/// Entries about objects that do not exist.
pub fn strangers(exists: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let names = INTENDED.iter().map(|(name, _, _)| *name);
    names.filter(|name| !exists(name)).collect()
}
