//! The units of `tests/reference/make_estimators.py`, drawn again, and what numpy and gbstats make of them.

use crate::cross_products::CrossProducts;
use crate::grid::Grid;
use crate::sample::{Sample, centres};

/// One drawn unit. Money is in cents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) stratum: usize,
    pub(crate) cluster: usize,
    pub(crate) arm: usize,
    pub(crate) missing: i64,
    pub(crate) pre: i64,
    pub(crate) age: i64,
    pub(crate) spend: i64,
    pub(crate) views: i64,
    pub(crate) clicks: i64,
}

/// The columns of [`samples`].
pub(crate) const SPEND: usize = 0;
pub(crate) const CLICKS: usize = 1;
pub(crate) const VIEWS: usize = 2;
pub(crate) const PRE: usize = 3;
pub(crate) const MISSING: usize = 4;
pub(crate) const AGE: usize = 5;

pub(crate) fn cents() -> Grid {
    Grid::decimal(2).unwrap()
}

pub(crate) fn grids() -> [Grid; 6] {
    [cents(), Grid::INTEGER, Grid::INTEGER, cents(), Grid::INTEGER, Grid::INTEGER]
}

impl Unit {
    pub(crate) fn row(&self) -> [i64; 6] {
        [self.spend, self.clicks, self.views, self.pre, self.missing, self.age]
    }
}

pub(crate) fn units() -> Vec<Unit> {
    let mut state = 20_261_127_u64;
    let mut draw = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % bound) as i64
    };
    let unit = |_| {
        let (stratum, cluster) = (draw(4) as usize, draw(120) as usize);
        let (control, first) = ([50, 40, 60, 30][stratum], [30, 40, 20, 50][stratum]);
        let lot = draw(100);
        let arm = usize::from(lot >= control) + usize::from(lot >= control + first);
        let missing = i64::from(draw(10) == 0);
        let pre = if missing == 1 { 0 } else { 500 + draw(1000) + draw(1000) };
        let age = draw(100);
        let noise = draw(3_000);
        let spend = 2_000 + pre * (2 + arm as i64) / 2 + 7 * age + noise + 150 * arm as i64 + 300 * stratum as i64;
        let spend = spend + cluster as i64 * 37 % 500;
        let views = 1 + draw(12);
        let clicks = draw(views as u64 + 1) + (arm as i64 & draw(2));
        Unit { stratum, cluster, arm, missing, pre, age, spend, views, clicks }
    };
    (0..3_000).map(unit).collect()
}

/// A sample per arm of the units, with the columns above.
pub(crate) fn samples<'a>(units: impl Iterator<Item = &'a Unit>) -> Vec<Option<Sample>> {
    let mut arms = vec![CrossProducts::new(6); 3];
    units.for_each(|unit| arms[unit.arm].push(&unit.row()));
    let centres = centres(&arms);
    arms.iter().map(|arm| Sample::exact(arm, &centres, &grids()).ok()).collect()
}

/// A number of `tests/reference/estimators.csv`.
pub(crate) fn expected(name: &str) -> f64 {
    let lines = include_str!("../../../tests/reference/estimators.csv").lines();
    let found = lines.filter_map(|line| line.rsplit_once(',')).find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no `{name}` in the reference")).1.parse().unwrap()
}

/// Holds a value against the reference, to a billionth of a scale.
pub(crate) fn assert_meets(name: &str, found: f64, scale: f64) {
    let expected = expected(name);
    assert!((found - expected).abs() <= 1e-9 * scale.abs(), "{name}: {found} where {expected} is expected");
}

/// Holds an estimate and its standard error against the reference.
pub(crate) fn assert_estimate(name: &str, found: &crate::estimate::Estimate) {
    assert_meets(&format!("{name} value"), found.value, found.std_err);
    assert_meets(&format!("{name} std_err"), found.std_err, found.std_err);
}
