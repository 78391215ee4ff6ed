use std::sync::Arc;

use datafusion::arrow::array::{DictionaryArray, Float32Array, Float64Array, StringArray};
use datafusion::arrow::datatypes::Int32Type;
use proptest::prelude::*;

use super::*;

fn numbers(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

#[test]
fn few_distinct_values_have_a_bin_each() {
    let values = numbers([Some(3.0), None, Some(-0.0), Some(0.0), Some(1.5)]);
    let bins = TagBins::fit("t", &values, TagKind::Numeric, Codes::Bits8).unwrap();
    assert_eq!(bins.kind, BinKind::Numeric { edges: vec![0.0, 1.5, 3.0], exact: true });
    assert_eq!(bins.encode(&values).unwrap(), CodeColumn::U8(vec![2, 3, 0, 0, 1]));
}

#[test]
fn many_values_share_bins_of_about_equal_size() {
    let values = numbers((0..10_000).map(|value| Some(f64::from(value))));
    let bins = TagBins::fit("t", &values, TagKind::Numeric, Codes::Bits8).unwrap();
    let BinKind::Numeric { edges, exact } = &bins.kind else { panic!("numeric") };
    assert!(!exact && edges.len() == 255 && *edges.last().unwrap() == 9_999.0);
    let CodeColumn::U8(codes) = bins.encode(&values).unwrap() else { panic!("8 bits") };
    let mut sizes = vec![0; 255];
    for code in codes {
        sizes[usize::from(code)] += 1;
    }
    assert!(sizes.iter().all(|size| (39..=40).contains(size)), "{sizes:?}");
}

#[test]
fn rare_levels_share_the_other_code() {
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), Some("b"), Some("c"), Some("a"), None]));
    let bins = TagBins::fit("t", &values, TagKind::Categorical { levels: 2 }, Codes::Bits8).unwrap();
    assert_eq!(bins.kind, BinKind::Categorical { levels: vec!["a".into(), "b".into()], other: true });
    assert_eq!(bins.encode(&values).unwrap(), CodeColumn::U8(vec![1, 1, 2, 0, 3]));
    assert_eq!(bins.shape().codes, 4);
}

#[test]
fn a_tag_that_nobody_has_is_only_missing() {
    let values = numbers([None, None]);
    let bins = TagBins::fit("t", &values, TagKind::Numeric, Codes::Bits8).unwrap();
    assert_eq!((bins.known_codes(), bins.missing()), (0, Some(0)));
    assert_eq!(bins.encode(&values).unwrap(), CodeColumn::U8(vec![0, 0]));
}

/// The survey of values in parts, those in the sample being every third one.
fn sampled(parts: &[ArrayRef], kind: TagKind) -> Fitted {
    let survey = |values: &ArrayRef, first: usize| {
        let chosen: Vec<usize> = (0..values.len()).filter(|row| (first + row).is_multiple_of(3)).collect();
        let mut survey = TagSurvey::new(kind, Codes::Bits8);
        survey.add(&TagValues::of(values).unwrap(), Some(&chosen)).unwrap();
        survey
    };
    let firsts = parts.iter().scan(0, |first, part| {
        *first += part.len();
        Some(*first - part.len())
    });
    let surveys = parts.iter().zip(firsts).map(|(part, first)| survey(part, first));
    surveys.reduce(TagSurvey::merged).unwrap().fit("t")
}

fn cut(values: &ArrayRef, at: usize) -> Vec<ArrayRef> {
    let at = at.min(values.len());
    vec![values.slice(0, at), values.slice(at, values.len() - at)]
}

#[test]
fn a_sample_gives_quantiles_and_all_units_give_the_largest_value_and_whether_it_is_missing() {
    // The largest value and the only missing one are not in the sample.
    let value = |row: u32| if row == 9_998 { None } else { Some(f64::from(row)) };
    let values = numbers((0..10_000).map(value).chain([Some(50_000.0)]));
    let Fitted { bins, centre } = sampled(std::slice::from_ref(&values), TagKind::Numeric);
    let BinKind::Numeric { edges, exact } = &bins.kind else { panic!("numeric") };
    assert!(!exact && edges.len() == 255 && bins.has_missing);
    assert_eq!(edges[254], 50_000.0);
    let off = edges[..254].iter().zip(1..).map(|(edge, bin)| (edge - f64::from(bin) * 10_000.0 / 255.0).abs());
    assert!(off.fold(0.0, f64::max) < 10.0, "{edges:?}");
    assert!((centre - 5_000.0).abs() < 10.0, "{centre}");
    let CodeColumn::U8(codes) = bins.encode(&values).unwrap() else { panic!("8 bits") };
    assert_eq!((codes[10_000], codes[9_998]), (254, 255));
}

#[test]
fn few_values_have_a_bin_each_though_the_sample_misses_some() {
    let values = numbers((0..600).map(|row| Some(if row == 1 { -7.0 } else { f64::from(row / 3 % 2) })));
    let kind = sampled(&[values], TagKind::Numeric).bins.kind;
    assert_eq!(kind, BinKind::Numeric { edges: vec![-7.0, 0.0, 1.0], exact: true });
}

#[test]
fn a_sample_of_nobody_is_no_fault() {
    // 300 values, none of them at the place of a third.
    let values = numbers((0..900).map(|row| (row % 3 == 1).then_some(f64::from(row))));
    let kind = sampled(&[values], TagKind::Numeric).bins.kind;
    assert_eq!(kind, BinKind::Numeric { edges: vec![898.0], exact: false });
    let texts: ArrayRef = Arc::new((0..9).map(|row| (row % 3 == 1).then(|| row.to_string())).collect::<StringArray>());
    let bins = sampled(std::slice::from_ref(&texts), TagKind::Categorical { levels: 2 }).bins;
    assert_eq!(bins.kind, BinKind::Categorical { levels: vec![], other: true });
    assert_eq!(bins.encode(&texts).unwrap(), CodeColumn::U8(vec![1, 0, 1, 1, 0, 1, 1, 0, 1]));
}

#[test]
fn the_most_frequent_levels_of_a_sample_are_kept_and_no_other_is_lost() {
    // Every third unit is in the sample: `a` and `c` are frequent there, `d` occurs outside it only.
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "b", "c", "b", "d", "a", "b", "b", "c", "b", "b"]));
    let bins = sampled(std::slice::from_ref(&texts), TagKind::Categorical { levels: 3 }).bins;
    assert_eq!(bins.kind, BinKind::Categorical { levels: vec!["a".into(), "c".into()], other: true });
    let all = sampled(&[texts], TagKind::Categorical { levels: 4 }).bins;
    let expected = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    assert_eq!(all.kind, BinKind::Categorical { levels: expected, other: false });
}

/// What the documentation of bins says, by sorting.
fn edges_by_sorting(values: &[Option<f64>]) -> (Vec<f64>, bool) {
    let mut sorted: Vec<f64> = values.iter().flatten().map(|value| value + 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= 255 {
        return (distinct, true);
    }
    let mut edges: Vec<f64> = (1..=255).map(|bin| sorted[(sorted.len() * bin).div_ceil(255) - 1]).collect();
    edges.dedup();
    (edges, false)
}

proptest! {
    #[test]
    fn bins_and_codes_are_those_of_all_values_sorted(
        known in prop::collection::vec(prop::option::weighted(0.9, -1000..1000_i32), 0..3_000),
        few in any::<bool>(), at in 0..3_000_usize,
    ) {
        let value = |number: i32| if few { f64::from(number / 30) * 1e-310 } else { f64::from(number).powi(3) };
        let known: Vec<Option<f64>> = known.into_iter().map(|number| number.map(value)).collect();
        let (edges, exact) = edges_by_sorting(&known);
        let code = |value: f64| edges.partition_point(|edge| *edge < value);
        let expected: Vec<u8> = known.iter().map(|value| value.map_or(edges.len(), code) as u8).collect();
        let narrow: ArrayRef = Arc::new(known.iter().map(|value| value.map(|value| value as f32)).collect::<Float32Array>());
        let values = numbers(known.clone());

        let bins = TagBins::fit("t", &values, TagKind::Numeric, Codes::Bits8).unwrap();
        prop_assert_eq!(&bins.kind, &BinKind::Numeric { edges: edges.clone(), exact });
        prop_assert_eq!(bins.has_missing, known.contains(&None));
        prop_assert_eq!(bins.encode(&values).unwrap(), CodeColumn::U8(expected.clone()));
        // In parts, as the product does: of everybody, and with everybody in the sample.
        let mut survey = TagSurvey::new(TagKind::Numeric, Codes::Bits8);
        for part in cut(&values, at) {
            let all: Vec<usize> = (0..part.len()).collect();
            survey.add(&TagValues::of(&part).unwrap(), (at % 2 == 0).then_some(&all)).unwrap();
        }
        prop_assert_eq!(&survey.fit("t").bins, &bins);
        let mut codes = bins.no_codes();
        let encoder = Encoder::new(&bins);
        for part in cut(&values, at) {
            encoder.encode(&TagValues::of(&part).unwrap(), &mut codes).unwrap();
        }
        prop_assert_eq!(codes, CodeColumn::U8(expected.clone()));
        // The cubes of these whole numbers have 30 bits at most, of which 32-bit numbers hold 24.
        let of_narrow: Vec<Option<f64>> = known.iter().map(|value| value.map(|value| f64::from(value as f32))).collect();
        let (edges, exact) = edges_by_sorting(&of_narrow);
        let bins = TagBins::fit("t", &narrow, TagKind::Numeric, Codes::Bits8).unwrap();
        let wide = numbers(of_narrow);
        prop_assert_eq!(&bins.kind, &BinKind::Numeric { edges, exact });
        prop_assert_eq!(bins.encode(&narrow).unwrap(), bins.encode(&wide).unwrap());
    }

    #[test]
    fn parts_of_the_units_give_the_bins_of_all(
        known in prop::collection::vec(prop::option::weighted(0.9, -400..400_i32), 0..900), at in 0..900_usize,
    ) {
        let values = numbers(known.iter().map(|value| value.map(f64::from)));
        let texts: ArrayRef = Arc::new(known.iter().map(|value| value.map(|value| (value / 20).to_string())).collect::<StringArray>());
        for (values, kind) in [(values, TagKind::Numeric), (texts, TagKind::Categorical { levels: 30 })] {
            let whole = sampled(std::slice::from_ref(&values), kind);
            prop_assert_eq!(&sampled(&cut(&values, at), kind), &whole);
            let bins = TagBins::fit("t", &values, kind, Codes::Bits8).unwrap();
            let mut survey = TagSurvey::new(kind, Codes::Bits8);
            for part in cut(&values, at) {
                survey.add(&TagValues::of(&part).unwrap(), None).unwrap();
            }
            prop_assert_eq!(survey.fit("t").bins, bins);
        }
    }

    #[test]
    fn words_of_a_dictionary_are_texts(known in prop::collection::vec(prop::option::of("[a-d]{1,2}"), 0..60), levels in 1..9_u16) {
        let texts: ArrayRef = Arc::new(known.iter().map(Option::as_deref).collect::<StringArray>());
        let words: ArrayRef = Arc::new(known.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>());
        let kind = TagKind::Categorical { levels };
        let bins = TagBins::fit("t", &texts, kind, Codes::Bits8).unwrap();
        prop_assert_eq!(&TagBins::fit("t", &words, kind, Codes::Bits8).unwrap(), &bins);
        prop_assert_eq!(bins.encode(&words).unwrap(), bins.encode(&texts).unwrap());
        prop_assert_eq!(sampled(std::slice::from_ref(&words), kind), sampled(&[texts], kind));
    }
}

#[test]
fn values_of_another_kind_are_refused() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    assert!(TagBins::fit("t", &texts, TagKind::Numeric, Codes::Bits8).is_err());
    let bins = TagBins::fit("t", &texts, TagKind::Categorical { levels: 2 }, Codes::Bits8).unwrap();
    assert!(bins.encode(&numbers([Some(1.0)])).is_err());
}
