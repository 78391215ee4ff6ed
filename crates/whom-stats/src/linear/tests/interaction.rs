use super::*;
use crate::distribution::Reference;
use crate::multiplicity::Correction;

#[test]
fn swapping_the_arms_flips_the_sign() {
    let rows: Vec<(usize, i64, i64)> =
        (0..60).map(|id| (id % 2, (id * id % 17) as i64, (id * id * id % 101) as i64)).collect();
    let covariate = Covariate {
        name: "x".into(),
        grid: Grid::INTEGER,
        scaling: Scaling::Standardised { mean: 7.5, deviation: 5.0 },
    };
    let model = Interaction { treatments: vec!["w".into()], covariates: vec![covariate], outcome: Grid::INTEGER };
    let table = |swapped: bool| {
        let (mut products, mut row) = (CrossProducts::new(model.columns()), Vec::new());
        let mut written = Vec::new();
        for (arm, x, outcome) in &rows {
            model.row(if swapped { 1 - arm } else { *arm }, &[*x], *outcome, &mut row);
            products.push(&row);
            written.push(row.clone());
        }
        let fit = LeastSquares::fit(&products, &model.variables(), &model.grids()).unwrap();
        let mut meat = Meat::new(&fit, RobustError::Hc3);
        for row in &written {
            meat.push(row);
        }
        let covariance = meat.covariance().unwrap();
        model.table(&fit, &covariance, Inference { reference: Reference::T, correction: Correction::Holm })
    };
    let (there, back) = (table(false), table(true));
    for row in [1, 3] {
        let (left, right) = (there[row].estimate.unwrap(), back[row].estimate.unwrap());
        assert!((left.value + right.value).abs() < 1e-12 * left.std_err, "{}", there[row].name);
        assert!((left.std_err / right.std_err - 1.0).abs() < 1e-12);
    }
}

#[test]
fn standardising_is_a_change_of_scale() {
    let scalings = [Scaling::Raw, Scaling::Standardised { mean: 5.25, deviation: 2.5 }];
    let tables = scalings.map(|scaling| {
        let covariate = Covariate { name: "x".into(), grid: Grid::decimal(1).unwrap(), scaling };
        let model = Interaction {
            treatments: vec!["a".into(), "b".into()],
            covariates: vec![covariate],
            outcome: Grid::INTEGER,
        };
        let (mut products, mut row) = (CrossProducts::new(model.columns()), Vec::new());
        for id in 0..50_i64 {
            model.row((id % 3) as usize, &[id * id % 103], id * id * id % 97, &mut row);
            products.push(&row);
        }
        let fit = LeastSquares::fit(&products, &model.variables(), &model.grids()).unwrap();
        let value = |weights: &[f64]| fit.estimate(weights, &fit.classical()).unwrap();
        let inference = Inference { reference: Reference::Normal, correction: Correction::Holm };
        let table = model.table(&fit, &fit.classical(), inference);
        (
            model.names(),
            table.into_iter().map(|row| row.estimate.unwrap()).collect::<Vec<_>>(),
            value(&model.effect_at(2, &[5.25])),
            value(&model.effect_at(2, &[9.0])),
        )
    });
    let [(names, raw, _, _), (_, standardised, at_mean, _)] = &tables;
    assert_eq!(*names, ["intercept", "a", "b", "x", "a:x", "b:x"]);
    for (row, factor) in [(3, 2.5), (4, 2.5), (5, 2.5)] {
        assert!((standardised[row].value - factor * raw[row].value).abs() < 1e-12);
        assert!((standardised[row].std_err - factor * raw[row].std_err).abs() < 1e-12);
    }
    assert!(
        (standardised[2].value - at_mean.value).abs() < 1e-12
            && (standardised[2].std_err - at_mean.std_err).abs() < 1e-12
    );
    assert!(
        (tables[0].3.value - tables[1].3.value).abs() < 1e-12
            && (tables[0].3.std_err - tables[1].3.std_err).abs() < 1e-12
    );
}

/// A unit: its arm, a covariate and the outcome.
type Unit = (usize, i64, i64);

/// A model of two treatments and a covariate on some units, with its rows.
struct Modelled {
    model: Interaction,
    rows: Vec<Vec<i64>>,
    fit: LeastSquares,
}

impl Modelled {
    /// `None` where the units do not tell the model.
    fn of(units: &[Unit], scaling: Scaling) -> Option<Self> {
        let covariates = vec![Covariate { name: "x".into(), grid: Grid::INTEGER, scaling }];
        let model = Interaction { treatments: vec!["a".into(), "b".into()], covariates, outcome: Grid::INTEGER };
        let mut products = CrossProducts::new(model.columns());
        let mut rows = Vec::new();
        for (arm, x, outcome) in units {
            let mut row = Vec::new();
            model.row(*arm, &[*x], *outcome, &mut row);
            products.push(&row);
            rows.push(row);
        }
        let fit = LeastSquares::fit(&products, &model.variables(), &model.grids()).ok()?;
        (fit.rank() == model.columns()).then_some(Self { model, rows, fit })
    }

    /// The effect of an arm at a covariate, and why it is unreliable, with HC3.
    fn predicted(&self, arm: usize, x: f64) -> Option<(Estimate, Option<Unreliable>)> {
        let weights = self.model.effect_at(arm, &[x]);
        let mut meat = Meat::with_combinations(&self.fit, RobustError::Hc3, std::slice::from_ref(&weights));
        self.rows.iter().for_each(|row| meat.push(row));
        let covariance = meat.covariance().ok()?;
        let estimate = self.fit.estimate(&weights, &covariance).ok()?;
        Some((estimate, covariance.judge(self.model.columns(), &estimate)))
    }
}

fn units() -> impl Strategy<Value = Vec<Unit>> {
    prop::collection::vec((0..3_usize, -9..9_i64, -500..500_i64), 24..40)
}

fn assert_near(left: &Estimate, right: &Estimate, sign: f64) {
    assert!((left.value - sign * right.value).abs() < 1e-8 * left.std_err, "{left:?} {right:?}");
    assert!((left.std_err / right.std_err - 1.0).abs() < 1e-8, "{left:?} {right:?}");
    assert!((left.degrees_of_freedom - right.degrees_of_freedom).abs() < 1e-12);
}

proptest! {
    #[test]
    fn a_prediction_at_the_mean_is_the_coefficient_of_the_standardised_model(units in units()) {
        let n = units.len() as f64;
        let mean = units.iter().map(|(_, x, _)| *x as f64).sum::<f64>() / n;
        let squares: f64 = units.iter().map(|(_, x, _)| (*x as f64 - mean).powi(2)).sum();
        prop_assume!(squares > 0.0);
        let scaling = Scaling::Standardised { mean, deviation: (squares / n).sqrt() };
        let (Some(raw), Some(scaled)) = (Modelled::of(&units, Scaling::Raw), Modelled::of(&units, scaling)) else {
            return Ok(());
        };
        let mut meat = Meat::new(&scaled.fit, RobustError::Hc3);
        scaled.rows.iter().for_each(|row| meat.push(row));
        let Ok(covariance) = meat.covariance() else { return Ok(()) };
        let inference = Inference { reference: Reference::T, correction: Correction::Holm };
        let table = scaled.model.table(&scaled.fit, &covariance, inference);
        for arm in [1, 2] {
            let Some((predicted, _)) = raw.predicted(arm, mean) else { continue };
            assert_near(&predicted, &table[arm].estimate.unwrap(), 1.0);
        }
    }

    #[test]
    fn a_shift_of_the_metric_changes_no_prediction_and_its_negation_the_sign(
        units in units(), shift in -1_000_000..1_000_000_i64, x in -20.0..20.0_f64,
    ) {
        let changed = |change: &dyn Fn(i64) -> i64| {
            let units: Vec<Unit> = units.iter().map(|(arm, x, outcome)| (*arm, *x, change(*outcome))).collect();
            Modelled::of(&units, Scaling::Raw)?.predicted(2, x)
        };
        let Some((before, judged)) = changed(&|outcome| outcome) else { return Ok(()) };
        let (shifted, of_shifted) = changed(&|outcome| outcome + shift).unwrap();
        assert_near(&before, &shifted, 1.0);
        prop_assert_eq!(judged, of_shifted);
        assert_near(&before, &changed(&|outcome| -outcome).unwrap().0, -1.0);
    }

    #[test]
    fn control_and_treatment_in_each_other_s_place_flip_the_sign_of_a_prediction(units in units(), x in -20.0..20.0_f64) {
        let swapped: Vec<Unit> = units.iter().map(|(arm, x, outcome)| ([1, 0, 2][*arm], *x, *outcome)).collect();
        let predicted = |units: &[Unit]| Modelled::of(units, Scaling::Raw)?.predicted(1, x);
        let (Some((there, _)), Some((back, _))) = (predicted(&units), predicted(&swapped)) else { return Ok(()) };
        assert_near(&there, &back, -1.0);
    }
}

#[test]
fn a_combination_that_is_a_coefficient_is_judged_as_it_is() {
    let units: Vec<Unit> = (0..60).map(|id| (id % 3, (id * id % 7) as i64, (id * id * id % 101) as i64)).collect();
    let modelled = Modelled::of(&units, Scaling::Raw).unwrap();
    let weights = modelled.model.effect_at(2, &[0.0]);
    assert_eq!(weights, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let weights = weights.iter().map(|weight| -3.0 * weight).collect();
    let mut meat = Meat::with_combinations(&modelled.fit, RobustError::Hc2, &[vec![0.0; 6], weights]);
    modelled.rows.iter().for_each(|row| meat.push(row));
    let covariance = meat.covariance().unwrap();
    let estimate = modelled.fit.estimate(&modelled.model.effect_at(2, &[0.0]), &covariance).unwrap();
    assert!(covariance.judge(2, &estimate).is_some());
    assert_eq!(covariance.judge(7, &estimate), covariance.judge(2, &estimate));
    assert_eq!(covariance.judge(6, &estimate), None, "of no coefficient");
}
