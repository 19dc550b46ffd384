//! Every distinct value once, named by a small number.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Distinct values, named by their order of arrival. Value 0 is the first that was ever put in.
pub(crate) struct Interner<T> {
    values: Vec<T>,
    numbers: HashTable<u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner { values: Vec::new(), numbers: HashTable::new() }
    }
}

impl<T: Hash + Eq> Interner<T> {
    /// The value's number; a new one if the value is new.
    pub(crate) fn number(&mut self, value: T) -> u32 {
        let hash = FxBuildHasher.hash_one(&value);
        let values = &mut self.values;
        let entry = self.numbers.entry(
            hash,
            |number| values[*number as usize] == value,
            |number| FxBuildHasher.hash_one(&values[*number as usize]),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(entry) => *entry.get(),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                let number = values.len() as u32;
                entry.insert(number);
                values.push(value);
                number
            }
        }
    }

    /// The value by that number.
    pub(crate) fn value(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}
