//! Tails of the normal, Student's t, chi-square and the binomial, accurate in relative terms down to 1e-300.
//!
//! Written over `libm`, so that the same bytes come out on every machine; the platform's `exp` and `ln` differ in their
//! last bits. The functions are met against numbers with 40 digits (`tests/reference/stats_distributions.py`).

use serde::{Deserialize, Serialize};

/// Degrees of freedom from which Hill's expansion of Student's t is as exact as the continued fraction, and quicker.
const MANY_DEGREES: f64 = 100_000.0;
/// Degrees of freedom of F's denominator from which it counts as infinite: relative errors of the tail stay below 1e-4.
const ENDLESS_DEGREES: f64 = 1e8;
/// Terms after which a series or fraction counts as converged; they need about the root of their largest parameter.
const MAX_TERMS: u32 = 1_000_000;
const SMALLEST: f64 = 1e-300;

/// The distribution that a studentised statistic is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// Student's t with the estimate's degrees of freedom.
    #[default]
    T,
    /// The standard normal.
    Normal,
}

impl Reference {
    /// The probability of a statistic at least as far from zero.
    ///
    /// ```
    /// use whom_stats::Reference;
    ///
    /// assert!((Reference::T.two_sided_p(2.2281388519649385, 10.0) - 0.05).abs() < 1e-11);
    /// assert!(Reference::T.two_sided_p(36.0, 42_000.0) > 0.0, "tails do not collapse to zero");
    /// ```
    pub fn two_sided_p(self, statistic: f64, degrees_of_freedom: f64) -> f64 {
        match self {
            Self::T => student_two_sided(statistic.abs(), degrees_of_freedom),
            Self::Normal => normal_two_sided(statistic.abs()),
        }
    }

    /// The probability of a statistic at least as large.
    pub fn upper_p(self, statistic: f64, degrees_of_freedom: f64) -> f64 {
        let half = self.two_sided_p(statistic, degrees_of_freedom) / 2.0;
        if statistic >= 0.0 { half } else { 1.0 - half }
    }

    /// The value that a statistic's absolute value exceeds with probability 1 - `level`; infinite at level 1.
    pub fn critical_value(self, level: f64, degrees_of_freedom: f64) -> f64 {
        let tail = 1.0 - level;
        inverse_of_decreasing(tail, |statistic| self.two_sided_p(statistic, degrees_of_freedom))
    }
}

fn normal_two_sided(statistic: f64) -> f64 {
    libm::erfc(statistic * std::f64::consts::FRAC_1_SQRT_2)
}

fn student_two_sided(statistic: f64, degrees_of_freedom: f64) -> f64 {
    if degrees_of_freedom == f64::INFINITY {
        return normal_two_sided(statistic);
    }
    let square = statistic * statistic / degrees_of_freedom;
    if square.is_infinite() {
        return 0.0;
    }
    if degrees_of_freedom >= MANY_DEGREES {
        return normal_two_sided(hill(square, degrees_of_freedom));
    }
    let (x, y) = (1.0 / (1.0 + square), square / (1.0 + square));
    BetaPoint { x, y, ln_x: -libm::log1p(square), ln_y: libm::log(y) }.regularised(degrees_of_freedom / 2.0, 0.5)
}

/// The normal deviate with the tail of Student's t (G. W. Hill, Algorithm 395, 1970), from t² / degrees of freedom.
fn hill(square: f64, degrees_of_freedom: f64) -> f64 {
    let a = degrees_of_freedom - 0.5;
    let b = 48.0 * a * a;
    let y = a * libm::log1p(square);
    let correction = (((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b);
    ((correction + y + 3.0) / b + 1.0) * y.sqrt()
}

/// The probability that chi-square with `degrees_of_freedom` is at least `statistic`: the upper incomplete gamma function.
pub fn chi_square_upper(statistic: f64, degrees_of_freedom: f64) -> f64 {
    let (a, x) = (degrees_of_freedom / 2.0, statistic / 2.0);
    if x <= 0.0 {
        return 1.0;
    }
    let factor = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 { 1.0 - factor * lower_gamma_series(a, x) } else { factor * upper_gamma_fraction(a, x) }
}

/// The probability that F with `numerator` and `denominator` degrees of freedom is at least `statistic`; an infinite or very
/// large denominator makes it chi-square over `numerator`.
///
/// ```
/// use whom_stats::f_upper;
///
/// assert!((f_upper(4.964602743730711, 1.0, 10.0) - 0.05).abs() < 1e-12, "the square of a t of 10 degrees");
/// ```
pub fn f_upper(statistic: f64, numerator: f64, denominator: f64) -> f64 {
    let scaled = numerator * statistic;
    if scaled == f64::INFINITY {
        return 0.0;
    }
    if denominator >= ENDLESS_DEGREES {
        return chi_square_upper(scaled, numerator);
    }
    let (x, y) = (denominator / (denominator + scaled), scaled / (denominator + scaled));
    BetaPoint { x, y, ln_x: -libm::log1p(scaled / denominator), ln_y: libm::log(y) }
        .regularised(denominator / 2.0, numerator / 2.0)
}

/// The probability that a standard normal is at most `value`.
pub(crate) fn normal_lower(value: f64) -> f64 {
    libm::erfc(-value * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}

/// sum over n of x^n / (a (a + 1) ... (a + n)).
fn lower_gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..MAX_TERMS {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// Legendre's continued fraction of the upper incomplete gamma function, by Lentz's method.
fn upper_gamma_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / SMALLEST;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for term in 1..MAX_TERMS {
        let i = f64::from(term);
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / away_from_zero(numerator * d + b);
        c = away_from_zero(b + numerator / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

/// The probabilities that a binomial of `trials` with `share` is at most, and at least, `successes`; 0 < share < 1.
pub(crate) fn binomial_tails(successes: u64, trials: u64, share: f64) -> (f64, f64) {
    let (k, n) = (successes as f64, trials as f64);
    let point = BetaPoint { x: share, y: 1.0 - share, ln_x: libm::log(share), ln_y: libm::log1p(-share) };
    let at_least = if successes == 0 { 1.0 } else { point.regularised(k, n - k + 1.0) };
    let at_most = if successes >= trials { 1.0 } else { point.swapped().regularised(n - k, k + 1.0) };
    (at_most, at_least)
}

/// A point x of the unit interval with y = 1 - x, both with their logarithms, so that neither end loses digits.
#[derive(Clone, Copy)]
struct BetaPoint {
    x: f64,
    y: f64,
    ln_x: f64,
    ln_y: f64,
}

impl BetaPoint {
    fn swapped(self) -> Self {
        Self { x: self.y, y: self.x, ln_x: self.ln_y, ln_y: self.ln_x }
    }

    /// The regularised incomplete beta function I_x(a, b).
    fn regularised(self, a: f64, b: f64) -> f64 {
        if self.y <= 0.0 {
            return 1.0;
        }
        if self.x <= 0.0 {
            return 0.0;
        }
        if self.x > (a + 1.0) / (a + b + 2.0) {
            return 1.0 - self.swapped().by_fraction(b, a);
        }
        self.by_fraction(a, b)
    }

    fn by_fraction(self, a: f64, b: f64) -> f64 {
        libm::exp(a * self.ln_x + b * self.ln_y - ln_beta(a, b)) / a * beta_fraction(a, b, self.x)
    }
}

/// The logarithm of the beta function; by Stirling's series where a large argument would cancel in log gammas.
fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = (a.min(b), a.max(b));
    if large < 20.0 {
        return libm::lgamma(small) + libm::lgamma(large) - libm::lgamma(small + large);
    }
    let sum = small + large;
    let leading = small - small * libm::log(sum) - (large - 0.5) * libm::log1p(small / large);
    libm::lgamma(small) + leading + stirling_remainder(large) - stirling_remainder(sum)
}

/// ln gamma(x) less (x - 1/2) ln x - x + ln(2 pi) / 2, for x of 20 or more.
fn stirling_remainder(x: f64) -> f64 {
    let inverse_square = 1.0 / (x * x);
    (1.0 / 12.0 - inverse_square * (1.0 / 360.0 - inverse_square * (1.0 / 1260.0 - inverse_square / 1680.0))) / x
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for term in 1..MAX_TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

fn away_from_zero(value: f64) -> f64 {
    if value.abs() < SMALLEST { SMALLEST } else { value }
}

/// The argument where a function that falls from 1 at zero reaches `target`, by doubling and bisection to the last bit.
pub(crate) fn inverse_of_decreasing(target: f64, function: impl Fn(f64) -> f64) -> f64 {
    if target <= 0.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while function(high) > target {
        (low, high) = (high, high * 2.0);
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return high;
        }
        if function(middle) > target { low = middle } else { high = middle }
    }
}

#[cfg(test)]
#[expect(clippy::unreadable_literal, clippy::excessive_precision, reason = "as the script prints them")]
mod tests;
