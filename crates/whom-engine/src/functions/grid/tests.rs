use datafusion::arrow::array::{Decimal128Array, Float32Array, Float64Array, UInt64Array};
use proptest::prelude::*;

use super::*;
use crate::testing::{column_of, engine_with, refusal};

async fn ask(values: ArrayRef, call: &str) -> Result<ArrayRef, String> {
    let engine = engine_with("t", vec![("v", values)]);
    let rows = engine.query(&format!("SELECT {call} AS answer FROM t")).await.map_err(|error| error.to_string())?;
    Ok(Arc::clone(rows.to_batch().unwrap().column(0)))
}

async fn placed(values: ArrayRef, grid: &str) -> Vec<Option<i64>> {
    let answer = ask(values, &format!("to_grid(v, '{grid}')")).await.unwrap();
    answer.as_primitive::<Int64Type>().iter().collect()
}

#[tokio::test]
async fn floats_go_to_the_nearest_step_ties_to_even() {
    let values: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5, -0.5, 29.99]));
    assert_eq!(placed(Arc::clone(&values), "1").await, [0, 2, 2, 0, 30].map(Some));
    assert_eq!(placed(values, "1e-2").await, [50, 150, 250, -50, 2999].map(Some));
    let single: ArrayRef = Arc::new(Float32Array::from(vec![0.375]));
    assert_eq!(placed(single, "2^-2").await, [Some(2)]);
}

#[tokio::test]
async fn integers_and_booleans_are_exact() {
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]));
    assert_eq!(placed(flags, "1").await, [Some(1), Some(0), None]);
    let wide: ArrayRef = Arc::new(UInt64Array::from(vec![0, 35_184_372_088_831]));
    assert_eq!(placed(wide, "1").await, [Some(0), Some(35_184_372_088_831)]);
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![-3]));
    assert_eq!(placed(integers, "2^-4").await, [Some(-48)]);
}

#[tokio::test]
async fn decimals_never_become_floats() {
    let amounts = Decimal128Array::from(vec![1_005, -1_015, 12_345_678_901_235]).with_precision_and_scale(20, 3);
    let amounts: ArrayRef = Arc::new(amounts.unwrap());
    assert_eq!(placed(amounts, "1e-2").await, [100, -102, 1_234_567_890_124].map(Some));
}

#[tokio::test]
async fn what_is_not_finite_is_null_on_the_grid_and_counted_beside() {
    let values: ArrayRef =
        Arc::new(Float64Array::from(vec![Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY), Some(-f64::INFINITY)]));
    assert_eq!(placed(Arc::clone(&values), "1").await, [Some(1), None, None, None, None]);
    let flags = ask(values, "not_finite(v)").await.unwrap();
    let flags: Vec<bool> = flags.as_boolean().values().iter().collect();
    assert_eq!(flags, [false, false, true, true, true]);
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let flags = ask(integers, "not_finite(v)").await.unwrap();
    assert_eq!(flags.as_boolean().true_count(), 0);
}

#[tokio::test]
async fn a_value_beyond_the_grid_is_refused_with_its_fix() {
    let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 1e9]));
    let message = ask(values, "to_grid(v, '2^-26')").await.unwrap_err();
    insta::assert_snapshot!(message, @"value 1000000000 lies beyond the range of plus or minus 524287.9999999851 of a grid with step 2^-26; declare a coarser `precision`");
    let wide: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let message = ask(wide, "to_grid(v, '1')").await.unwrap_err();
    insta::assert_snapshot!(message, @"value 18446744073709551615e-0 lies beyond the range of plus or minus 35184372088831 of a grid with step 1; declare a coarser `precision`");
}

#[tokio::test]
async fn what_is_no_number_or_no_grid_is_refused() {
    assert!(refusal("SELECT to_grid('1', '1')").await.contains("must be a number or a boolean, not Utf8"));
    assert!(refusal("SELECT to_grid(1, '0.3')").await.contains("`0.3` is not a grid"));
    assert!(refusal("SELECT to_grid(1, '1e-99')").await.contains("`1e-99` is not a grid"));
}

#[tokio::test]
async fn a_mean_goes_back_to_the_grid_ties_to_even() {
    let sums: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(3), Some(-1), Some(-3), Some(7), None]));
    let engine = engine_with("t", vec![("s", sums)]);
    let answer = column_of(&engine, "SELECT grid_mean(s, 2) FROM t").await;
    let means: Vec<Option<i64>> = answer.as_primitive::<Int64Type>().iter().collect();
    assert_eq!(means, [Some(0), Some(2), Some(0), Some(-2), Some(4), None]);
    let nothing = column_of(&engine, "SELECT grid_mean(s, 0) FROM t").await;
    assert_eq!(nothing.null_count(), 6);
}

proptest! {
    #[test]
    fn a_mean_is_within_half_a_step(sum in -(1_i64 << 45)..1 << 45, count in 1_i64..1_000_000) {
        let found = i128::from(mean(sum, count).unwrap());
        let twice = 2 * (found * i128::from(count) - i128::from(sum)).abs();
        prop_assert!(twice < i128::from(count) || (twice == i128::from(count) && found % 2 == 0));
    }
}
