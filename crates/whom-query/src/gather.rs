//! Values of many batches, put in an order of our own.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray, new_null_array};
use datafusion::arrow::compute::interleave;
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::arrow::error::ArrowError;

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
    let mut words: Vec<&str> = dictionaries.iter().flat_map(|part| part.words.iter().flatten()).collect();
    words.sort_unstable();
    words.dedup();
    let code = |word: Option<&str>| word.and_then(|word| words.binary_search(&word).ok()).map(|code| code as i32);
    let codes: Vec<Vec<Option<i32>>> = dictionaries.iter().map(|part| part.words.iter().map(code).collect()).collect();
    let key = |(batch, row): &Place| {
        let keys = parts[*batch].keys;
        keys.is_valid(*row).then(|| codes[of_part[*batch]][keys.value(*row) as usize]).flatten()
    };
    let keys: Int32Array = places.iter().map(key).collect();
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from(words)))?))
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
