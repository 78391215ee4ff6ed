//! Published experiments, and the same models by statsmodels and numpy (`tests/reference/make_linear.py`).

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::cross_products::CrossProducts;
use crate::distribution::Reference;
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::Grid;
use crate::multiplicity::Correction;

const INFERENCE: Inference = Inference { reference: Reference::T, correction: Correction::Bonferroni };

type Columns = BTreeMap<String, Vec<f64>>;

fn lines(name: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn columns(name: &str) -> Columns {
    let lines = lines(name);
    let values = |column: usize| lines[1..].iter().map(|line| line[column].parse().unwrap()).collect();
    lines[0].iter().enumerate().map(|(column, name)| (name.clone(), values(column))).collect()
}

/// A model fitted to rows, which are kept for the second pass.
struct Fitted {
    model: Interaction,
    rows: Vec<Vec<i64>>,
    fit: LeastSquares,
}

struct Covariates<'a> {
    names: &'a [&'a str],
    grids: &'a [Grid],
    standardised: bool,
}

impl Fitted {
    /// The model of an outcome on arms, numbered from the columns that mark them, and covariates, on the rows in `inside`.
    fn new(columns: &Columns, marks: &[&str], covariates: &Covariates, outcome: (&str, Grid), inside: &[bool]) -> Self {
        let rows: Vec<usize> = (0..inside.len()).filter(|row| inside[*row]).collect();
        let covariate = |(name, grid): (&&str, &Grid)| {
            let values: Vec<f64> = rows.iter().map(|row| columns[*name][*row]).collect();
            let scaling = if covariates.standardised { standardised(&values) } else { Scaling::Raw };
            Covariate { name: (*name).to_owned(), grid: *grid, scaling }
        };
        let model = Interaction {
            treatments: marks.iter().map(|mark| (*mark).to_owned()).collect(),
            covariates: covariates.names.iter().zip(covariates.grids).map(covariate).collect(),
            outcome: outcome.1,
        };
        let mut products = CrossProducts::new(model.columns());
        let on_grid = |row: usize| {
            let arm = marks.iter().position(|mark| columns[*mark][row] == 1.0).map_or(0, |place| place + 1);
            let places = covariates.names.iter().zip(covariates.grids);
            let values: Vec<i64> = places.map(|(name, grid)| grid.to_grid(columns[*name][row]).unwrap()).collect();
            let mut written = Vec::new();
            model.row(arm, &values, outcome.1.to_grid(columns[outcome.0][row]).unwrap(), &mut written);
            written
        };
        let rows: Vec<Vec<i64>> = rows.into_iter().map(on_grid).collect();
        for row in &rows {
            products.push(row);
        }
        let fit = LeastSquares::fit(&products, &model.variables(), &model.grids()).unwrap();
        Self { model, rows, fit }
    }

    fn robust(&self, kind: RobustError) -> Covariance {
        let mut meat = Meat::new(&self.fit, kind);
        self.rows.iter().for_each(|row| meat.push(row));
        meat.covariance().unwrap()
    }

    fn clustered(&self, clusters: &[f64], kind: ClusterError) -> Covariance {
        let mut scores = ClusterScores::new(&self.fit, kind);
        self.rows.iter().zip(clusters).for_each(|(row, cluster)| scores.push(*cluster as u64, row));
        scores.covariance().unwrap()
    }

    fn table(&self, covariance: &Covariance) -> Vec<Coefficient> {
        self.model.table(&self.fit, covariance, INFERENCE)
    }

    /// Every coefficient is met to a billionth of its standard error, with its degrees of freedom and its p-value.
    fn assert_meets(&self, place: [&str; 2], errors: &str, covariance: &Covariance) {
        let expected = lines("linear.csv");
        let expected: Vec<_> = expected.iter().filter(|line| line[..3] == [place[0], place[1], errors]).collect();
        assert!(!expected.is_empty(), "{place:?} {errors}");
        let table = self.table(covariance);
        for line in expected {
            let coefficient = table.iter().find(|coefficient| coefficient.name == line[3]).unwrap();
            let [value, std_err, degrees, p_value] = [4, 5, 6, 7].map(|column| line[column].parse::<f64>().unwrap());
            let found = coefficient.estimate.unwrap();
            let p_found = coefficient.p_value.unwrap();
            assert!((found.value - value).abs() < 1e-9 * std_err, "{line:?} {found:?}");
            assert!((found.std_err / std_err - 1.0).abs() < 1e-9, "{line:?} {found:?}");
            assert!((found.degrees_of_freedom / degrees - 1.0).abs() < 1e-8, "{line:?} {found:?}");
            assert!((p_found - p_value).abs() < 1e-7 * p_value + 1e-300, "{line:?} {p_found}");
        }
    }

    fn assert_meets_robust(&self, place: [&str; 2]) {
        self.assert_meets(place, "nonrobust", &self.fit.classical());
        let kinds = [RobustError::Hc0, RobustError::Hc1, RobustError::Hc2, RobustError::Hc3];
        for (kind, name) in kinds.into_iter().zip(["hc0", "hc1", "hc2", "hc3"]) {
            self.assert_meets(place, name, &self.robust(kind));
        }
    }

    fn assert_meets_clustered(&self, place: [&str; 2], clusters: &[f64]) {
        let kinds = [ClusterError::Cr0, ClusterError::Cr1, ClusterError::Cr2];
        for (kind, name) in kinds.into_iter().zip(["cr0", "cr1", "cr2"]) {
            self.assert_meets(place, name, &self.clustered(clusters, kind));
        }
    }
}

/// By the values' own mean and standard deviation with divisor n.
fn standardised(values: &[f64]) -> Scaling {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Scaling::Standardised { mean, deviation: (squares / n).sqrt() }
}

/// Estimate and standard error as a table prints them, without the leading zero.
fn printed(estimate: Result<Estimate, NotEstimable>, decimals: usize) -> String {
    let estimate = estimate.unwrap();
    let text = format!("{:.decimals$} ({:.decimals$})", estimate.value, estimate.std_err);
    text.replace("-0.", "-.").replace("(0.", "(.").trim_start_matches('0').to_owned()
}

#[test]
fn esti_by_gender_meets_the_publication_to_every_printed_digit() {
    let columns = columns("linear_rows_esti.csv");
    let everybody = vec![true; columns["y"].len()];
    let female = Covariates { names: &["female"], grids: &[Grid::INTEGER], standardised: false };
    let fitted = Fitted::new(&columns, &["w"], &female, ("y", Grid::INTEGER), &everybody);
    fitted.assert_meets_robust(["esti", "female"]);

    let table = fitted.table(&fitted.robust(RobustError::Hc2));
    let found: Vec<String> = table.iter().map(|row| printed(row.estimate, 7)).collect();
    let publication = [".2157434 (.0222426)", ".1789934 (.0335429)", "-.0073224 (.0290309)", ".1467815 (.0439771)"];
    assert_eq!(found, publication);
    assert_eq!(format!("{:.7}", table[3].p_value.unwrap()), "0.0008627");
}

#[test]
fn esti_by_age_meets_the_publication_with_bonferroni() {
    let columns = columns("linear_rows_esti.csv");
    let everybody = vec![true; columns["y"].len()];
    let groups = Covariates { names: &["age20", "age25"], grids: &[Grid::INTEGER; 2], standardised: false };
    let fitted = Fitted::new(&columns, &["w"], &groups, ("y", Grid::INTEGER), &everybody);
    fitted.assert_meets_robust(["esti", "age"]);

    let table = fitted.table(&fitted.robust(RobustError::Hc2));
    assert_eq!(printed(table[4].estimate, 8), ".04351246 (.05733158)");
    assert_eq!(printed(table[5].estimate, 8), ".16857652 (.05892980)");
    let p_values = [table[4].p_value_adjusted, table[5].p_value_adjusted].map(Option::unwrap);
    assert_eq!(format!("{:.6} {:.7}", p_values[0], p_values[1]), "0.895958 0.0085573");
    assert_eq!(table[1].p_value_adjusted, None, "the family is that of the interactions");

    let average = Covariates { names: &[], grids: &[], standardised: false };
    let average = Fitted::new(&columns, &["w"], &average, ("y", Grid::INTEGER), &everybody);
    average.assert_meets_robust(["esti", "average"]);
    assert_eq!(printed(average.table(&average.robust(RobustError::Hc2))[1].estimate, 5), ".26516 (.02180)");
}

const TAGS: [&str; 6] =
    ["risk_score", "usage_z", "log_customer_value", "tenure_months", "enterprise_plan", "support_tickets"];

fn retention(columns: &Columns) -> Fitted {
    let fine = Grid::decimal(5).unwrap();
    let grids = [fine, fine, fine, fine, Grid::INTEGER, Grid::INTEGER];
    let tags = Covariates { names: &TAGS, grids: &grids, standardised: true };
    let train: Vec<bool> = columns["train"].iter().map(|train| *train == 1.0).collect();
    Fitted::new(columns, &["treatment"], &tags, ("outcome", fine), &train)
}

#[test]
fn retention_meets_the_lecture_s_table() {
    let columns = columns("linear_rows_retention.csv");
    let fitted = retention(&columns);
    fitted.assert_meets_robust(["retention", "rounded"]);
    let table = fitted.table(&fitted.robust(RobustError::Hc3));
    let found: Vec<String> = [1, 8, 9, 10, 11, 12, 13].map(|row: usize| printed(table[row].estimate, 3)).into();
    let lecture =
        ["3.676 (.152)", "3.342 (.161)", "-.488 (.163)", ".196 (.222)", "-.214 (.155)", "1.363 (.150)", ".610 (.166)"];
    assert_eq!(found, lecture);
}

#[test]
fn predictions_on_the_test_fold_meet_the_lecture() {
    let columns = columns("linear_rows_retention.csv");
    let fitted = retention(&columns);
    let classical = fitted.fit.classical();
    let effect = |row: usize| {
        let weights = fitted.model.effect_at(1, &TAGS.map(|tag| columns[tag][row]));
        fitted.fit.estimate(&weights, &classical).unwrap().value
    };
    let test: Vec<usize> = (0..columns["train"].len()).filter(|row| columns["train"][*row] == 0.0).collect();
    let predicted: Vec<f64> = test.iter().map(|row| effect(*row)).collect();
    let truth: Vec<f64> = test.iter().map(|row| columns["true_cate"][*row]).collect();

    let (correlation, rmse) = (correlation(&predicted, &truth), root_mean_square_difference(&predicted, &truth));
    assert_eq!(format!("{correlation:.3} {rmse:.3}"), "0.979 0.841");
    let mut found = BTreeMap::from([("correlation".to_owned(), correlation), ("rmse".to_owned(), rmse)]);
    let mut order: Vec<usize> = (0..test.len()).collect();
    order.sort_by(|left, right| predicted[*left].total_cmp(&predicted[*right]));
    for decile in 0..10 {
        let inside = (decile * test.len()).div_ceil(10)..((decile + 1) * test.len()).div_ceil(10);
        let inside = &order[inside];
        let mean_in = |arm: f64| {
            mean(
                inside
                    .iter()
                    .filter(|place| columns["treatment"][test[**place]] == arm)
                    .map(|place| columns["outcome"][test[*place]]),
            )
        };
        found.insert(format!("decile_{}_predicted", decile + 1), mean(inside.iter().map(|place| predicted[*place])));
        found.insert(format!("decile_{}_true", decile + 1), mean(inside.iter().map(|place| truth[*place])));
        found.insert(format!("decile_{}_observed", decile + 1), mean_in(1.0) - mean_in(0.0));
    }
    let expected = lines("linear.csv");
    let expected = expected.iter().filter(|line| line[..3] == ["retention", "rounded", "test_fold"]);
    let compared = expected.inspect(|line| {
        let difference = found[&line[3]] - line[4].parse::<f64>().unwrap();
        assert!(difference.abs() < 1e-9, "{line:?} {}", found[&line[3]]);
    });
    assert_eq!(compared.count(), 32);
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    sum / n
}

fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let (mean_left, mean_right) = (mean(left.iter().copied()), mean(right.iter().copied()));
    let product = |a: &[f64], b: &[f64], mean_a: f64, mean_b: f64| {
        a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>()
    };
    let squares = product(left, left, mean_left, mean_left) * product(right, right, mean_right, mean_right);
    product(left, right, mean_left, mean_right) / squares.sqrt()
}

fn root_mean_square_difference(left: &[f64], right: &[f64]) -> f64 {
    mean(left.iter().zip(right).map(|(left, right)| (left - right) * (left - right))).sqrt()
}

#[test]
fn karlan_and_list_s_donors_by_state() {
    let cells = columns("linear_rows_karlan_list.csv");
    // A row for every donor: the cells are counts.
    let mut donors = Columns::new();
    for name in ["treatment", "red", "gave"] {
        let repeated = cells[name].iter().zip(&cells["donors"]).flat_map(|(value, n)| vec![*value; *n as usize]);
        donors.insert(name.to_owned(), repeated.collect());
    }
    let everybody = vec![true; donors["gave"].len()];
    let red = Covariates { names: &["red"], grids: &[Grid::INTEGER], standardised: false };
    let fitted = Fitted::new(&donors, &["treatment"], &red, ("gave", Grid::INTEGER), &everybody);
    fitted.assert_meets_robust(["karlan_list", "red"]);
    // The published +.009 (.003) is a probit's change at the means, which the script meets.
    let table = fitted.table(&fitted.robust(RobustError::Hc2));
    assert_eq!(printed(table[3].estimate, 4), ".0078 (.0026)");
    let in_red = fitted.fit.estimate(&fitted.model.effect_at(1, &[1.0]), &fitted.robust(RobustError::Hc2));
    assert_eq!(printed(in_red, 5), ".00880 (.00196)");
}

#[test]
fn star_meets_the_publication_and_clusters_by_school_an_independent_program() {
    let columns = columns("linear_rows_star.csv");
    let score = ("score", Grid::INTEGER);
    let everybody = vec![true; columns["score"].len()];
    assert_eq!(everybody.len(), 5786);
    let arms = Covariates { names: &[], grids: &[], standardised: false };
    let fitted = Fitted::new(&columns, &["small", "aide"], &arms, score, &everybody);
    fitted.assert_meets_robust(["star", "arms"]);
    let table = fitted.table(&fitted.robust(RobustError::Hc1));
    assert_eq!(printed(table[1].estimate, 3), "13.899 (2.454)");
    assert_eq!(printed(table[2].estimate, 3), ".314 (2.271)");
    fitted.assert_meets_clustered(["star", "arms"], &columns["school"]);

    let girl = Covariates { names: &["girl"], grids: &[Grid::INTEGER], standardised: false };
    let fitted = Fitted::new(&columns, &["small", "aide"], &girl, score, &everybody);
    fitted.assert_meets_clustered(["star", "girl"], &columns["school"]);
}

#[test]
fn fifteen_schools_meet_an_independent_program() {
    let columns = columns("linear_rows_star.csv");
    let inside: Vec<bool> = columns["school"].iter().map(|school| *school <= 15.0).collect();
    let schools: Vec<f64> = columns["school"].iter().copied().filter(|school| *school <= 15.0).collect();
    let girl = Covariates { names: &["girl"], grids: &[Grid::INTEGER], standardised: false };
    let fitted = Fitted::new(&columns, &["small", "aide"], &girl, ("score", Grid::INTEGER), &inside);
    fitted.assert_meets_clustered(["star", "girl_few"], &schools);
}

#[test]
fn columns_for_the_schools_themselves_meet_an_independent_program() {
    // Each school alone decides its own column: (I - H_gg) has no inverse, and the arms need its generalised root.
    let columns = columns("linear_rows_star.csv");
    let rows: Vec<usize> = (0..columns["school"].len()).filter(|row| columns["school"][*row] <= 15.0).collect();
    let mut schools: Vec<u64> = rows.iter().map(|row| columns["school"][*row] as u64).collect();
    let clusters = schools.clone();
    schools.sort_unstable();
    schools.dedup();
    let width = 2 + schools.len();
    let mut products = CrossProducts::new(width);
    let written: Vec<Vec<i64>> = rows
        .iter()
        .zip(&clusters)
        .map(|(row, cluster)| {
            let dummies = schools[1..].iter().map(|school| i64::from(school == cluster));
            let arms = ["small", "aide"].map(|arm| columns[arm][*row] as i64);
            arms.into_iter().chain(dummies).chain([columns["score"][*row] as i64]).collect()
        })
        .collect();
    for row in &written {
        products.push(row);
    }
    let variables = Variables { predictors: (0..width - 1).collect(), outcome: width - 1 };
    let fit = LeastSquares::fit(&products, &variables, &vec![Grid::INTEGER; width]).unwrap();
    let mut scores = ClusterScores::new(&fit, ClusterError::Cr2);
    written.iter().zip(clusters).for_each(|(row, cluster)| scores.push(cluster, row));
    let covariance = scores.covariance().unwrap();
    let expected = lines("linear.csv");
    let expected: Vec<_> = expected.iter().filter(|line| line[..3] == ["star", "within_few", "cr2"]).collect();
    assert_eq!(expected.len(), 2);
    for line in expected {
        let mut weights = vec![0.0; width];
        weights[if line[3] == "small" { 1 } else { 2 }] = 1.0;
        let found = fit.estimate(&weights, &covariance).unwrap();
        let [value, std_err, degrees] = [4, 5, 6].map(|column| line[column].parse::<f64>().unwrap());
        assert!((found.value - value).abs() < 1e-9 * std_err, "{line:?} {found:?}");
        assert!((found.std_err / std_err - 1.0).abs() < 1e-9, "{line:?} {found:?}");
        assert!((found.degrees_of_freedom / degrees - 1.0).abs() < 1e-8, "{line:?} {found:?}");
    }
    let mut a_school = vec![0.0; width];
    a_school[3] = 1.0;
    assert_eq!(fit.estimate(&a_school, &covariance), Err(NotEstimable::OneClusterDecides));
}
