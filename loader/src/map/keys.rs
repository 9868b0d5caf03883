//! Going through a map key by key.

use super::Map;
use crate::error::{Result, ResultExt};
use crate::sys::{self, Errno};

/// The keys of a map; see [`Map::keys`].
#[derive(Debug)]
pub struct Keys<'a> {
    map: &'a Map,
    last: Option<Vec<u8>>,
    left: u64,
    done: bool,
}

impl<'a> Keys<'a> {
    pub(super) fn new(map: &'a Map) -> Self {
        Self {
            map,
            last: None,
            left: u64::from(map.max_entries) * 2 + 16,
            done: false,
        }
    }
}

impl Iterator for Keys<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.done = self.left == 0;
        if self.done {
            let cause = "the map changes faster than its keys can be read";
            return Some(Err(Errno::AGAIN.error(cause)))
                .map(|error: Result<_>| error.with_context(|| format!("map {}", self.map.name)));
        }
        self.left -= 1;
        let mut next = vec![0; self.map.key_bytes];
        match sys::map_get_next_key(&self.map.fd, self.last.as_deref(), &mut next) {
            Ok(()) => {
                self.last = Some(next.clone());
                Some(Ok(next))
            }
            Err(errno) => {
                self.done = true;
                (errno != Errno::NOENT).then(|| Err(self.map.error("next key", errno)))
            }
        }
    }
}
