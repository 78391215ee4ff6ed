//! Where the rows of a table stand, by a key that each of them has for itself.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::EngineError;
use crate::filters::mixed;

/// The place of a key that no row has.
pub const NOWHERE: u32 = u32::MAX;

/// The bits of a slot that tell keys apart without looking at them; the others hold a place.
const TAG: u64 = !(u32::MAX as u64);

/// The rows of a table by their key, a 64-bit integer or a text.
///
/// Slots are words, twice as many as keys or more, and a key that finds its slot taken goes to the next: what the units of a
/// piece take stays in the cache of a core.
#[derive(Debug)]
pub struct KeyPlaces {
    keys: ArrayRef,
    /// Half of a hash and the place behind the key's, or nothing.
    slots: Vec<u64>,
}

impl KeyPlaces {
    /// The places of these keys; a null has none.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for keys of another type, or one that comes twice.
    pub fn of(keys: ArrayRef) -> Result<Self, EngineError> {
        if keys.len() >= NOWHERE as usize {
            return Err(EngineError::Internal(format!("{} keys are more than there are places", keys.len())));
        }
        let mut places = Self { slots: vec![0; (2 * keys.len()).next_power_of_two().max(2)], keys };
        let keys = ArrayRef::clone(&places.keys);
        match keys.data_type() {
            DataType::Int64 => {
                let keys = keys.as_primitive::<Int64Type>();
                for (place, key) in keys.iter().enumerate() {
                    let Some(key) = key else { continue };
                    places.enter(hash_of_integer(key), place, |other| keys.value(other) == key)?;
                }
            }
            DataType::Utf8 => {
                let keys = keys.as_string::<i32>();
                for (place, key) in keys.iter().enumerate() {
                    let Some(key) = key else { continue };
                    places.enter(xxh3_64(key.as_bytes()), place, |other| keys.value(other) == key)?;
                }
            }
            other => return Err(EngineError::Internal(format!("rows cannot be found by a key of type {other}"))),
        }
        Ok(places)
    }

    /// The place of each key, [`NOWHERE`] for a null and for what no row has.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for keys of another type than those of the table.
    pub fn find(&self, keys: &dyn Array) -> Result<Vec<u32>, EngineError> {
        let found = match self.keys.data_type() {
            DataType::Int64 => keys.as_primitive_opt::<Int64Type>().map(|keys| {
                let known = self.keys.as_primitive::<Int64Type>().values();
                let find = |key: i64| self.place(hash_of_integer(key), |place| known[place] == key);
                match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
                    None => keys.values().iter().map(|key| find(*key)).collect(),
                    Some(_) => keys.iter().map(|key| key.map_or(NOWHERE, find)).collect(),
                }
            }),
            _ => keys.as_string_opt::<i32>().map(|keys| {
                let known = self.keys.as_string::<i32>();
                let find = |key: &str| self.place(xxh3_64(key.as_bytes()), |place| known.value(place) == key);
                keys.iter().map(|key| key.map_or(NOWHERE, find)).collect()
            }),
        };
        let unfit = || format!("a key of type {} among {}", keys.data_type(), self.keys.data_type());
        found.ok_or_else(|| EngineError::Internal(unfit()))
    }

    /// Bytes besides those of the keys.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u64>()
    }

    fn enter(&mut self, hash: u64, place: usize, is: impl Fn(usize) -> bool) -> Result<(), EngineError> {
        let mut slot = self.first_slot(hash);
        while self.slots[slot] != 0 {
            if self.slots[slot] & TAG == hash & TAG && is(place_in(self.slots[slot])) {
                return Err(EngineError::Internal("a key that each row has for itself comes twice".to_owned()));
            }
            slot = self.next_slot(slot);
        }
        self.slots[slot] = hash & TAG | (place as u64 + 1);
        Ok(())
    }

    #[inline]
    fn place(&self, hash: u64, is: impl Fn(usize) -> bool) -> u32 {
        let mut slot = self.first_slot(hash);
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return NOWHERE;
            }
            if found & TAG == hash & TAG && is(place_in(found)) {
                return place_in(found) as u32;
            }
            slot = self.next_slot(slot);
        }
    }

    /// The number of slots is a power of two.
    #[inline]
    fn first_slot(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    #[inline]
    fn next_slot(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }
}

#[inline]
fn hash_of_integer(key: i64) -> u64 {
    mixed(key.cast_unsigned(), 0)
}

/// The place in a slot that is not empty.
#[inline]
fn place_in(slot: u64) -> usize {
    ((slot & !TAG) - 1) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use datafusion::arrow::array::{Float64Array, Int64Array, StringArray};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_is_found_where_it_stands_and_no_other(
            keys in prop::collection::btree_set(prop_oneof![-9_i64..9, any::<i64>()], 0..200),
            asked in prop::collection::vec(prop::option::of(-12_i64..12), 0..50),
        ) {
            let expected: BTreeMap<i64, u32> = keys.iter().copied().zip(0..).collect();
            let asked: Vec<Option<i64>> = asked.into_iter().chain(keys.iter().copied().map(Some)).collect();
            let expected: Vec<u32> =
                asked.iter().map(|key| key.and_then(|key| expected.get(&key).copied()).unwrap_or(NOWHERE)).collect();
            let integers = KeyPlaces::of(Arc::new(Int64Array::from_iter_values(keys.iter().copied()))).unwrap();
            prop_assert_eq!(&integers.find(&Int64Array::from(asked.clone())).unwrap(), &expected);
            let known: BTreeSet<String> = keys.iter().map(i64::to_string).collect();
            let in_order: Vec<String> = keys.iter().map(i64::to_string).collect();
            prop_assert_eq!(known.len(), in_order.len());
            let texts = KeyPlaces::of(Arc::new(StringArray::from(in_order))).unwrap();
            let asked: StringArray = asked.into_iter().map(|key| key.map(|key| key.to_string())).collect();
            prop_assert_eq!(texts.find(&asked).unwrap(), expected);
        }
    }

    #[test]
    fn a_null_has_no_place_and_takes_none() {
        let places = KeyPlaces::of(Arc::new(Int64Array::from(vec![None, Some(0), None]))).unwrap();
        assert_eq!(places.find(&Int64Array::from(vec![None, Some(0)])).unwrap(), [NOWHERE, 1]);
        let places = KeyPlaces::of(Arc::new(StringArray::from(vec![None, Some("")]))).unwrap();
        assert_eq!(places.find(&StringArray::from(vec![Some(""), None])).unwrap(), [1, NOWHERE]);
    }

    #[test]
    fn among_no_keys_nothing_is_found() {
        let places = KeyPlaces::of(Arc::new(Int64Array::from(Vec::<i64>::new()))).unwrap();
        assert_eq!(places.find(&Int64Array::from(vec![0, 1])).unwrap(), [NOWHERE, NOWHERE]);
    }

    #[test]
    fn a_key_that_comes_twice_is_refused_as_are_keys_of_other_types() {
        assert!(KeyPlaces::of(Arc::new(Int64Array::from(vec![3, 4, 3]))).is_err());
        assert!(KeyPlaces::of(Arc::new(StringArray::from(vec!["a", "a"]))).is_err());
        assert!(KeyPlaces::of(Arc::new(Float64Array::from(vec![0.5]))).is_err());
        let places = KeyPlaces::of(Arc::new(Int64Array::from(vec![3]))).unwrap();
        assert!(places.find(&StringArray::from(vec!["3"])).is_err());
    }
}
