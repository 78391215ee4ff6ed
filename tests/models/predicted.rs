//! Predicted effects meet an independent program, by profile and by unit.

use super::{assert_meets, in_reference};
use crate::effects::Table;
use crate::program::Published;

/// The predictions of a model, of these variants under their names elsewhere, are those of an independent program, in
/// `predictions.parquet` as in `result.json`.
pub(super) fn assert_predictions_meet(
    run: &Published,
    model: &str,
    place: (&str, &str, &str),
    variants: &[(&str, &str)],
) {
    let results = run.json("result.json");
    let mut models = results["models"].as_array().expect("models").iter();
    let found = models.find(|found| found["name"] == model).unwrap_or_else(|| panic!("no model `{model}`"));
    let rows = found["predictions"].as_array().expect("predictions");
    let table = Table(run.table("predictions.parquet"));
    let names = table.words("model");
    let of_model: Vec<usize> = (0..names.len()).filter(|row| names[*row] == model).collect();
    assert!(!rows.is_empty() && rows.len().is_multiple_of(variants.len()), "{rows:?}");
    assert_eq!(rows.len(), of_model.len());
    for (row, place_in_table) in rows.iter().zip(of_model) {
        let (_, arm) = variants.iter().find(|(variant, _)| row["variant"] == *variant).expect("a variant");
        let term = format!("{arm}@{}", row["profile"].as_str().expect("a profile"));
        assert_meets(row, in_reference("linear_predictions.csv", place, &term));
        for column in ["estimate", "std_err", "degrees_of_freedom", "p_value", "p_value_adjusted"] {
            let [in_table, in_json] = [table.numbers(column)[place_in_table], row[column].as_f64()];
            // A number that is read from text may be off by its last bit.
            let is_same = in_table.zip(in_json).is_none_or(|(one, other)| (one - other).abs() <= 1e-15 * one.abs());
            assert!(
                is_same && in_table.is_some() == in_json.is_some(),
                "{column} of {term}: {in_table:?}, {in_json:?}"
            );
        }
    }
}

/// The units that are women of 20 years have this effect and standard error in `units.parquet`.
pub(super) fn assert_women_of_20_have(run: &Published, model: &str, [estimate, std_err, ..]: [f64; 4]) {
    let table = Table(run.table("units.parquet"));
    let (ages, genders) = (table.numbers("age"), table.words("gender"));
    let [values, errors] =
        ["predicted", "predicted_std_err"].map(|name| table.numbers(&format!("{name} {model}: internet testing")));
    let women: Vec<usize> =
        (0..ages.len()).filter(|row| ages[*row] == Some(20.0) && genders[*row] == "female").collect();
    assert!(women.len() > 50 && values.iter().all(Option::is_some), "{}", women.len());
    for row in women {
        assert!((values[row].expect("an effect") - estimate).abs() < 1e-8 * std_err, "{values:?}");
        assert!((errors[row].expect("an error") / std_err - 1.0).abs() < 1e-8, "{errors:?}");
    }
}
