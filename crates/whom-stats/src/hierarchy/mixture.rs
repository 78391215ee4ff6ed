//! A mixture of normals.

use crate::distribution::normal_lower;

/// Halvings of a quantile's bracket.
const HALVINGS: u32 = 120;
/// Standard deviations from every component beyond which there is nothing.
const BRACKET: f64 = 12.0;

pub(super) struct Mixture(Vec<Component>);

#[derive(Clone, Copy)]
struct Component {
    weight: f64,
    mean: f64,
    std_dev: f64,
}

impl Mixture {
    /// From weights that add up to one, means and variances.
    pub(super) fn new(components: impl Iterator<Item = (f64, f64, f64)>) -> Self {
        let component =
            |(weight, mean, variance): (f64, f64, f64)| Component { weight, mean, std_dev: variance.sqrt() };
        Self(components.map(component).collect())
    }

    pub(super) fn mean(&self) -> f64 {
        self.0.iter().map(|one| one.weight * one.mean).sum()
    }

    pub(super) fn variance(&self) -> f64 {
        let mean = self.mean();
        let square = |one: &Component| one.std_dev * one.std_dev + (one.mean - mean) * (one.mean - mean);
        self.0.iter().map(|one| one.weight * square(one)).sum()
    }

    /// At most 1, although weights add up to it only to the last bits.
    pub(super) fn above_zero(&self) -> f64 {
        self.0.iter().map(|one| one.weight * normal_lower(one.mean / one.std_dev)).sum::<f64>().min(1.0)
    }

    /// By bisection of the distribution function.
    pub(super) fn quantile(&self, probability: f64) -> f64 {
        let ends = |sign: f64| self.0.iter().map(move |one| one.mean + sign * BRACKET * one.std_dev);
        let mut low = ends(-1.0).fold(f64::INFINITY, f64::min);
        let mut high = ends(1.0).fold(f64::NEG_INFINITY, f64::max);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.below(middle) < probability { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    }

    fn below(&self, value: f64) -> f64 {
        self.0.iter().map(|one| one.weight * normal_lower((value - one.mean) / one.std_dev)).sum()
    }
}
