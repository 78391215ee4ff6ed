//! Values of many batches, put in an order of our own.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray, new_null_array};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer};
use datafusion::arrow::compute::interleave;
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::hash_utils::RandomState;

/// Where a value lies: the batch and the row in it.
pub(crate) type Place = (usize, usize);

/// The values of one column at these places, taken from its part in each batch; the batch after the last holds nothing but
/// null. Words keep to one dictionary, in alphabetical order.
pub(crate) fn gather(kind: &DataType, parts: &[ArrayRef], places: &[Place]) -> Result<ArrayRef, ArrowError> {
    let null = new_null_array(kind, 1);
    let parts: Vec<&dyn Array> = parts.iter().chain([&null]).map(AsRef::as_ref).collect();
    match words_of(&parts) {
        Some(parts) => gathered_words(&parts, places),
        None => interleave(&parts, places),
    }
}

/// The parts of a column of words, if it is one.
fn words_of<'a>(parts: &[&'a dyn Array]) -> Option<Vec<WordPart<'a>>> {
    parts
        .iter()
        .map(|part| {
            let part: &DictionaryArray<Int32Type> = part.as_dictionary_opt()?;
            Some(WordPart {
                keys: part.keys(),
                words: part.values().as_string_opt()?,
                identity: Arc::as_ptr(part.values()).cast(),
            })
        })
        .collect()
}

/// A column of words in one batch.
struct WordPart<'a> {
    keys: &'a Int32Array,
    words: &'a StringArray,
    /// Batches of one group of rows share their dictionary.
    identity: *const u8,
}

fn gathered_words(parts: &[WordPart<'_>], places: &[Place]) -> Result<ArrayRef, ArrowError> {
    let (mut dictionaries, mut of_part) = (Vec::<&WordPart<'_>>::new(), Vec::with_capacity(parts.len()));
    for part in parts {
        let known = dictionaries.iter().rposition(|known| std::ptr::eq(known.identity, part.identity));
        of_part.push(known.unwrap_or(dictionaries.len()));
        if known.is_none() {
            dictionaries.push(part);
        }
    }
    let (words, codes) = united(&dictionaries);
    let keys: Vec<Vec<i32>> =
        parts.iter().zip(of_part).map(|(part, dictionary)| part.translated(&codes[dictionary])).collect();
    let gathered: Vec<i32> = places.iter().map(|(batch, row)| keys[*batch][*row]).collect();
    let known = BooleanBuffer::collect_bool(gathered.len(), |place| gathered[place] != UNKNOWN);
    let keys =
        Int32Array::try_new(gathered.into(), Some(NullBuffer::new(known)).filter(|known| known.null_count() > 0))?;
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(words))?))
}

/// Stands for the key of no word.
const UNKNOWN: i32 = -1;

/// The words of all dictionaries in alphabetical order, and where those of each stand.
fn united(dictionaries: &[&WordPart<'_>]) -> (StringArray, Vec<Vec<i32>>) {
    let mut codes: HashMap<&str, i32, RandomState> = HashMap::default();
    let mut words: Vec<&str> = Vec::new();
    for word in dictionaries.iter().flat_map(|part| part.words.iter().flatten()) {
        codes.entry(word).or_insert_with(|| {
            words.push(word);
            UNKNOWN
        });
    }
    words.sort_unstable();
    for (word, code) in words.iter().zip(0..) {
        codes.insert(word, code);
    }
    let code = |word: Option<&str>| word.and_then(|word| codes.get(word)).copied().unwrap_or(UNKNOWN);
    let of_each = dictionaries.iter().map(|part| part.words.iter().map(code).collect()).collect();
    (StringArray::from(words), of_each)
}

impl WordPart<'_> {
    /// The keys of the batch in a dictionary of which it is told where its own words stand.
    fn translated(&self, codes: &[i32]) -> Vec<i32> {
        let code = |key: i32| codes.get(key as usize).copied().unwrap_or(UNKNOWN);
        match self.keys.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self.keys.values().iter().map(|key| code(*key)).collect(),
            Some(_) => self.keys.iter().map(|key| key.map_or(UNKNOWN, code)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Float64Array;
    use datafusion::arrow::compute::cast;

    use super::*;

    fn words(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(values.iter().copied().collect::<DictionaryArray<Int32Type>>())
    }

    #[test]
    fn words_keep_to_one_dictionary_whatever_each_batch_knows() {
        let parts = [words(&[Some("b"), None, Some("a")]), words(&[Some("c"), Some("a")])];
        let parts = [parts[0].clone(), parts[0].slice(2, 1), parts[1].clone()];
        let found = gather(parts[0].data_type(), &parts, &[(2, 0), (0, 1), (1, 0), (2, 1), (3, 0), (0, 0)]).unwrap();
        let dictionary = found.as_dictionary::<Int32Type>();
        assert_eq!(dictionary.values().as_string::<i32>(), &StringArray::from(vec!["a", "b", "c"]));
        let texts = cast(&found, &DataType::Utf8).unwrap();
        let expected = StringArray::from(vec![Some("c"), None, Some("a"), Some("a"), None, Some("b")]);
        assert_eq!(texts.as_string::<i32>(), &expected);
    }

    #[test]
    fn other_values_go_where_they_belong() {
        let parts: [ArrayRef; 2] =
            [Arc::new(Float64Array::from(vec![1.0, 2.0])), Arc::new(Float64Array::from(vec![3.0]))];
        let found = gather(&DataType::Float64, &parts, &[(1, 0), (2, 0), (0, 1)]).unwrap();
        assert_eq!(found.as_ref(), &Float64Array::from(vec![Some(3.0), None, Some(2.0)]) as &dyn Array);
    }

    #[test]
    fn nothing_but_nulls_comes_of_no_batch() {
        for kind in [DataType::Int64, words(&[]).data_type().clone()] {
            let found = gather(&kind, &[], &[(0, 0), (0, 0)]).unwrap();
            assert_eq!((found.data_type(), found.len(), found.logical_null_count()), (&kind, 2, 2));
        }
    }
}
