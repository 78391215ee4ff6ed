//! Models that are about too few units.

use super::SmallestCell;
use super::summary::Counted;
use crate::model::{ModelCoefficient, ModelView};
use crate::prediction::ModelPrediction;

/// The models without the numbers of those of which a cell is too small, or that would tell of too few: units that are left out,
/// or that are not of the model, out of `everybody`.
pub(super) fn withheld(
    cell: SmallestCell,
    models: Vec<ModelView>,
    everybody: u64,
    counted: &mut Counted,
) -> Vec<ModelView> {
    let mut shown = |model: ModelView| {
        let left_out = model.left_out.unwrap_or(0);
        let others = model.units.map_or(0, |units| everybody.saturating_sub(units + left_out));
        let counts = [model.units, model.fewest_units, model.left_out, Some(others)];
        if counts.into_iter().flatten().any(|count| cell.hides(count)) {
            counted.effects += model.coefficients.iter().filter(|row| row.estimate.is_some()).count();
            counted.effects += model.predictions.iter().filter(|row| row.estimate.is_some()).count();
            nothing_of(model, &cell.reason())
        } else if tells_few(cell, &model, everybody) {
            counted.effects += model.calibration.len();
            ModelView { calibration: Vec::new(), ..model }
        } else {
            model
        }
    };
    models.into_iter().map(&mut shown).collect()
}

/// Whether the tenths of a calibration count too few units, or leave too few others.
fn tells_few(cell: SmallestCell, model: &ModelView, everybody: u64) -> bool {
    let counts = || model.calibration.iter().flat_map(|row| [row.n_control, row.n_variant]);
    counts().any(|count| cell.hides(count)) || cell.hides(everybody.saturating_sub(counts().sum()))
}

fn nothing_of(model: ModelView, reason: &str) -> ModelView {
    let nothing = |row: ModelCoefficient| ModelCoefficient {
        variant: row.variant,
        tag: row.tag,
        ..ModelCoefficient::not_estimated(row.term, reason.to_owned())
    };
    let not_predicted = |row: ModelPrediction| ModelPrediction {
        at: row.at,
        ..ModelPrediction::not_estimated(row.profile, row.variant, reason.to_owned())
    };
    ModelView {
        units: None,
        left_out: None,
        fewest_units: None,
        clusters: None,
        effective_clusters: None,
        r_squared: None,
        not_estimable: Some(reason.to_owned()),
        coefficients: model.coefficients.into_iter().map(nothing).collect(),
        calibration: Vec::new(),
        predictions: model.predictions.into_iter().map(not_predicted).collect(),
        ..model
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn shown(smallest: u64, change: impl Fn(&mut ModelView)) -> Vec<ModelView> {
        let mut results = fixture::modelled();
        change(&mut results.models[0]);
        SmallestCell::new(smallest).expect("a bound").apply(results).expect("results").models
    }

    fn cell_reason(model: &ModelView) -> String {
        model.not_estimable.clone().expect("a reason")
    }

    #[test]
    fn a_model_of_cells_that_are_large_enough_is_shown() {
        assert_eq!(shown(1_000, |_| {}), fixture::modelled().models);
        assert_eq!(
            shown(1_000, |model| (model.units, model.left_out) = (Some(64_000), Some(0)))[0].not_estimable,
            None
        );
    }

    #[test]
    fn a_calibration_of_few_units_goes_and_its_model_stays() {
        let model = shown(1_000, |model| model.calibration[1].n_variant = 999).swap_remove(0);
        assert!(model.calibration.is_empty() && model.not_estimable.is_none() && model.units.is_some());
    }

    #[test]
    fn a_model_of_a_small_cell_loses_every_number_and_its_levels() {
        let few: [fn(&mut ModelView); 4] = [
            |model| model.fewest_units = Some(999),
            |model| model.units = Some(999),
            |model| model.left_out = Some(3),
            |model| model.units = Some(62_001),
        ];
        for few in few {
            let model = shown(1_000, few).swap_remove(0);
            assert!(cell_reason(&model).starts_with("withheld: fewer than 1000 units"));
            assert_eq!((model.units, model.left_out, model.fewest_units, model.r_squared), (None, None, None, None));
            let nothing = |row: &ModelCoefficient| {
                let numbers = [row.mean, row.deviation, row.estimate, row.std_err, row.statistic, row.p_value];
                numbers.iter().all(Option::is_none) && row.interval.is_none() && row.level.is_none()
            };
            assert_eq!((model.coefficients.len(), model.calibration.len()), (9, 0));
            assert!(model.coefficients.iter().all(nothing));
            let predictions = fixture::modelled().models[0].predictions.clone();
            assert_eq!(model.predictions.len(), predictions.len());
            for (row, before) in model.predictions.iter().zip(predictions) {
                let nothing = ModelPrediction::not_estimated(before.profile, before.variant, cell_reason(&model));
                assert_eq!(*row, ModelPrediction { at: before.at, ..nothing }, "what the file declares stays");
            }
        }
    }
}
