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
