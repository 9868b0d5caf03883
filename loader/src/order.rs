//! Sorting and looking up, compiled once for all types.
//!
//! The standard library's sorts and ordered maps are compiled anew for every
//! type of element, two to five kilobytes each time, which once was a fifth of
//! this crate. Here all elements are sorted by the same [`Key`], and only what
//! makes the keys and moves the elements differs by type. What is sorted is
//! mostly in order already, as compilers write it, and then left alone.

use std::collections::BinaryHeap;

/// What something is sorted by: its number, then its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key<'t> {
    number: u64,
    text: &'t [u8],
    /// Its place before, so that equal ones stay in order.
    index: usize,
}

impl<'t> Key<'t> {
    pub(crate) fn new(number: u64, text: &'t [u8]) -> Self {
        let index = 0;
        Self {
            number,
            text,
            index,
        }
    }

    pub(crate) fn number(number: u64) -> Self {
        Self::new(number, &[])
    }

    pub(crate) fn text(text: &'t [u8]) -> Self {
        Self::new(0, text)
    }

    /// Are they the same but for their places?
    fn equals(&self, other: &Self) -> bool {
        (self.number, self.text) == (other.number, other.text)
    }
}

/// Sorts; what has the same key keeps its order.
pub(crate) fn sort<T>(items: &mut [T], key: impl Fn(&T) -> Key<'_>) {
    let key_at = |at: usize| items.get(at).map(&key).unwrap_or_default();
    if let Some(mut places) = places(items.len(), &key_at) {
        arrange(&mut places, &mut |at, from| items.swap(at, from));
    }
}

/// For each place in order, the place of the element that belongs there; nothing
/// where all are in their places.
fn places<'t>(count: usize, key_at: &dyn Fn(usize) -> Key<'t>) -> Option<Vec<usize>> {
    if (0..count).map(key_at).is_sorted() {
        return None;
    }
    let keys = numbered((0..count).map(key_at).collect());
    Some(keys.iter().map(|key| key.index).collect())
}

/// Moves elements to their places.
fn arrange(places: &mut [usize], swap: &mut dyn FnMut(usize, usize)) {
    // Each cycle of places is one element taken out and the others moved up.
    for first in 0..places.len() {
        let mut at = first;
        while let Some(place) = places.get_mut(at) {
            let from = core::mem::replace(place, at);
            if from == first {
                break;
            }
            swap(at, from);
            at = from;
        }
    }
}

/// The keys of elements in their order, sorted.
fn numbered(mut keys: Vec<Key<'_>>) -> Vec<Key<'_>> {
    for (index, key) in keys.iter_mut().enumerate() {
        key.index = index;
    }
    sorted(keys)
}

/// The smallest sort there is; equal keys differ by their places.
fn sorted(keys: Vec<Key<'_>>) -> Vec<Key<'_>> {
    BinaryHeap::from(keys).into_sorted_vec()
}

/// For each key, the index of the first that is the same.
pub(crate) fn firsts(keys: Vec<Key<'_>>) -> Vec<usize> {
    let mut firsts = vec![0; keys.len()];
    let mut first = Key::default();
    for (at, key) in numbered(keys).into_iter().enumerate() {
        if at == 0 || !key.equals(&first) {
            first = key;
        }
        firsts[key.index] = first.index;
    }
    firsts
}

/// Places by name: where there are several, the first.
#[derive(Debug, Default)]
pub(crate) struct Names<'n>(Vec<Key<'n>>);

impl<'n> Names<'n> {
    /// The names of the places 0, 1, and so on; empty ones are nobody's.
    pub(crate) fn new(names: impl Iterator<Item = &'n [u8]>) -> Self {
        let mut keys = Vec::new();
        for (index, text) in names.enumerate() {
            if !text.is_empty() {
                let number = 0;
                keys.push(Key {
                    number,
                    text,
                    index,
                });
            }
        }
        Self(sorted(keys))
    }

    /// The first place of this name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        let at = self.0.partition_point(|key| key.text < name);
        let found = self.0.get(at).filter(|key| key.text == name);
        found.map(|key| key.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorting_is_what_the_standard_library_makes_of_it(
            items in prop::collection::vec((0..4u64, "[ab]{0,2}"), 0..40)
        ) {
            let mut ours: Vec<_> = items.into_iter().enumerate().collect();
            let mut theirs = ours.clone();
            sort(&mut ours, |(_, (number, text))| Key::new(*number, text.as_bytes()));
            theirs.sort_by_key(|(_, key)| key.clone());
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn the_first_of_equal_ones_is_found(
            items in prop::collection::vec((0..3u64, "[ab]{0,1}"), 0..20)
        ) {
            let key = |(number, text): &(u64, String)| (*number, text.clone());
            let keys = items.iter().map(|(number, text)| Key::new(*number, text.as_bytes()));
            for (at, first) in firsts(keys.collect()).into_iter().enumerate() {
                let expected = items.iter().position(|item| key(item) == key(&items[at]));
                prop_assert_eq!(Some(first), expected);
            }
        }

        #[test]
        fn a_name_stands_for_its_first_place(
            names in prop::collection::vec("[abc]{1,2}", 0..20), name in "[abc]{0,2}"
        ) {
            let found = Names::new(names.iter().map(String::as_bytes));
            let expected = names.iter().position(|other| *other == name);
            prop_assert_eq!(found.find(name.as_bytes()), expected);
        }
    }
}
