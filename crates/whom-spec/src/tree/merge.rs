//! How an including file and the file that it includes become one.

use std::collections::BTreeMap;

use super::{Entry, Node, Value};

impl Node {
    /// Fills in from `base` what this node does not set. Mappings are joined key by key, at every depth; of anything
    /// else, this node's value wins. Keys of `base` that are new come after its own.
    pub(crate) fn merge_under(&mut self, base: Node) {
        let Value::Mapping(mine) = &mut self.value else { return };
        let Value::Mapping(theirs) = base.value else { return };
        let places: BTreeMap<String, usize> =
            mine.iter().enumerate().map(|(place, own)| (own.key.value.clone(), place)).collect();
        for entry in theirs {
            match places.get(&entry.key.value).and_then(|place| mine.get_mut(*place)) {
                Some(own) => own.value.merge_under(entry.value),
                None => mine.push(entry),
            }
        }
    }

    /// Takes a key out of a mapping.
    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        let Value::Mapping(entries) = &mut self.value else { return None };
        let position = entries.iter().position(|entry| *entry.key == key)?;
        Some(entries.remove(position))
    }
}
