//! From values to places along a line.

use crate::number;

/// A linear scale: values from `lower` to `upper` lie between the pixels `from` and `to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    lower: f64,
    upper: f64,
    from: f64,
    to: f64,
}

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) place: f64,
    pub(super) text: String,
}

impl Axis {
    /// An axis over a domain; one that is empty or not finite becomes −1 to 1.
    pub(super) fn new((lower, upper): (f64, f64), (from, to): (f64, f64)) -> Self {
        let is_sound = lower.is_finite() && upper.is_finite() && lower < upper;
        let (lower, upper) = if is_sound { (lower, upper) } else { (-1.0, 1.0) };
        Self { lower, upper, from, to }
    }

    /// The smallest domain that holds all finite values, with a margin of a twentieth on both sides.
    pub(super) fn domain(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let mut values = values.filter(|value| value.is_finite());
        let Some(first) = values.next() else { return (-1.0, 1.0) };
        let (lower, upper) = values.fold((first, first), |(lower, upper), value| (lower.min(value), upper.max(value)));
        if lower == upper {
            let margin = if lower == 0.0 { 1.0 } else { lower.abs() / 2.0 };
            return (lower - margin, upper + margin);
        }
        let margin = (upper - lower) / 20.0;
        (lower - margin, upper + margin)
    }

    /// Where a value lies; one beyond the domain lies at its end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let fraction = (value.clamp(self.lower, self.upper) - self.lower) / (self.upper - self.lower);
        self.from + fraction * (self.to - self.from)
    }

    /// Whether a value lies in the domain.
    pub(super) fn holds(&self, value: f64) -> bool {
        (self.lower..=self.upper).contains(&value)
    }

    /// Round values, about so many and at most one more, with as many decimals as they need.
    pub(super) fn ticks(&self, most: usize) -> Vec<Tick> {
        let Some((step, decimals)) = step((self.upper - self.lower) / most.max(1) as f64) else { return Vec::new() };
        let first = (self.lower / step).ceil();
        (0..=most)
            .map(|index| (first + index as f64) * step)
            .filter(|value| *value <= self.upper)
            .map(|value| Tick { place: self.place(value), text: number::signed(value, decimals) })
            .collect()
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is at least so large, and the decimals that it needs.
fn step(least: f64) -> Option<(f64, usize)> {
    let text = format!("{least:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let (mantissa, exponent): (f64, i32) = (mantissa.parse().ok()?, exponent.parse().ok()?);
    let (digit, exponent) = match mantissa {
        mantissa if mantissa <= 1.0 => (1, exponent),
        mantissa if mantissa <= 2.0 => (2, exponent),
        mantissa if mantissa <= 5.0 => (5, exponent),
        _ => (1, exponent + 1),
    };
    let step: f64 = format!("{digit}e{exponent}").parse().ok()?;
    (step > 0.0 && step.is_finite()).then(|| (step, usize::try_from(-exponent).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let texts = |domain, most| -> Vec<String> {
            Axis::new(domain, (0.0, 100.0)).ticks(most).into_iter().map(|tick| tick.text).collect()
        };
        assert_eq!(texts((-4.2, 9.9), 6), ["0", "+5"]);
        assert_eq!(texts((-0.012, 0.031), 5), ["−0.01", "0.00", "+0.01", "+0.02", "+0.03"]);
        assert_eq!(texts((0.0, 250_000.0), 3), ["0", "+100,000", "+200,000"]);
        assert!(texts((f64::NAN, 1.0), 4).len() <= 5);
    }

    #[test]
    fn a_place_never_leaves_the_axis() {
        let axis = Axis::new((-1.0, 3.0), (10.0, 50.0));
        assert_eq!([-9.0, -1.0, 1.0, 3.0, 1e300].map(|value| axis.place(value)), [10.0, 10.0, 30.0, 50.0, 50.0]);
    }

    #[test]
    fn a_domain_holds_its_values_whatever_they_are() {
        assert_eq!(Axis::domain([f64::NAN, f64::INFINITY].into_iter()), (-1.0, 1.0));
        assert_eq!(Axis::domain([2.0].into_iter()), (1.0, 3.0));
        let (lower, upper) = Axis::domain([0.0, 10.0, f64::NAN].into_iter());
        assert_eq!((lower, upper), (-0.5, 10.5));
    }
}
