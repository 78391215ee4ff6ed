//! Numbers as people write them: digits justified by the interval, thousands separated, percent never confused with
//! percentage points.

use whom_stats::Interval;

use crate::label;
use crate::results::MetricView;

/// Columns of a unit of measure behind a figure.
const UNIT_COLUMNS: usize = 12;

/// What is written where there is no number.
pub(crate) const NO_NUMBER: &str = "—";

/// A count with its thousands separated: `64,000`.
pub fn count(units: u64) -> String {
    grouped(&units.to_string())
}

/// A count, or the sign of absence where it is withheld.
pub(crate) fn count_or_none(units: Option<u64>) -> String {
    units.map_or_else(|| NO_NUMBER.to_owned(), count)
}

/// A p-value with the digits that a reader compares with a level: `<0.0001`, `0.0043`, `0.431`.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.0001 {
        "<0.0001".to_owned()
    } else if p < 0.1 {
        format!("{p:.4}")
    } else {
        format!("{p:.3}")
    }
}

/// A share or level as a percentage of at most one decimal: `25%`, `12.3%`, `<0.1%`.
pub(crate) fn share(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return "<0.1%".to_owned();
    }
    let text = fixed(percent, 1);
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// A value of a tag or metric to six significant digits: `0.245302`, `1,000`, `6`.
pub(crate) fn value(value: f64) -> String {
    let rounded = format!("{value:.5e}").parse::<f64>().unwrap_or(value);
    let magnitude = rounded.abs();
    if !rounded.is_finite() {
        NO_NUMBER.to_owned()
    } else if magnitude != 0.0 && !(1e-4..1e12).contains(&magnitude) {
        minus(&format!("{rounded:e}"))
    } else {
        grouped(&minus(&rounded.to_string()))
    }
}

/// A number with so many decimals, thousands separated, and never a negative zero.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NO_NUMBER.to_owned();
    }
    let text = format!("{value:.decimals$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'.' | b'0'));
    grouped(&minus(if is_zero { text.trim_start_matches('-') } else { &text }))
}

/// Like [`fixed`], with a plus sign before what is above zero.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let is_zero = text.bytes().all(|byte| matches!(byte, b'.' | b'0'));
    if value > 0.0 && !is_zero && value.is_finite() { format!("+{text}") } else { text }
}

/// The decimals that show two significant digits of a half-width, at most eight.
pub(crate) fn decimals(half_width: f64) -> usize {
    exponent(half_width).map_or(2, |exponent| usize::try_from(1 - exponent).unwrap_or(0).min(8))
}

/// The decimal exponent after rounding to two digits; `None` for zero and what is not finite.
fn exponent(value: f64) -> Option<i32> {
    if value == 0.0 || !value.is_finite() {
        return None;
    }
    format!("{value:.1e}").split_once('e').and_then(|(_, exponent)| exponent.parse().ok())
}

fn minus(text: &str) -> String {
    text.replace('-', "−")
}

/// Separates the thousands of the integer part.
fn grouped(text: &str) -> String {
    let (integer, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let digits = integer.chars().filter(char::is_ascii_digit).count();
    let mut grouped = String::with_capacity(text.len() + digits / 3);
    let mut remaining = digits;
    for character in integer.chars() {
        if character.is_ascii_digit() {
            if remaining < digits && remaining.is_multiple_of(3) {
                grouped.push(',');
            }
            remaining -= 1;
        }
        grouped.push(character);
    }
    grouped + rest
}

/// How the figures of one quantity are scaled and named: percent, percentage points or the metric's own unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    factor: f64,
    unit: String,
}

impl Scale {
    /// Effects and contrasts: percentage points for a proportion, the unit of measure otherwise.
    pub(crate) fn of_effects(metric: &MetricView) -> Self {
        if metric.proportion { Self { factor: 100.0, unit: " pp".to_owned() } } else { Self::in_unit(metric) }
    }

    /// Means: percent for a proportion, the unit of measure otherwise.
    pub(crate) fn of_means(metric: &MetricView) -> Self {
        if metric.proportion { Self::of_lifts() } else { Self::in_unit(metric) }
    }

    /// Lifts: percent of control.
    pub(crate) fn of_lifts() -> Self {
        Self { factor: 100.0, unit: "%".to_owned() }
    }

    fn in_unit(metric: &MetricView) -> Self {
        let unit = metric.unit_of_measure.as_deref().map(|unit| format!(" {}", label::shortened(unit, UNIT_COLUMNS)));
        Self { factor: 1.0, unit: unit.unwrap_or_default() }
    }

    /// The same scale for a column whose heading names the unit.
    pub(crate) fn without_unit(self) -> Self {
        Self { unit: String::new(), ..self }
    }

    /// What follows a figure: ` pp`, `%`, ` USD`, or nothing.
    pub(crate) fn unit(&self) -> &str {
        &self.unit
    }

    /// The decimals that an interval justifies on this scale.
    pub(crate) fn decimals(&self, interval: Option<Interval>) -> usize {
        interval.map_or(2, |interval| decimals(interval.half_width() * self.factor))
    }

    /// A figure with its sign and unit: `+7.66 pp`.
    pub(crate) fn signed(&self, value: f64, decimals: usize) -> String {
        format!("{}{}", signed(value * self.factor, decimals), self.unit)
    }

    /// A figure with its unit: `18.28%`.
    pub(crate) fn plain(&self, value: f64, decimals: usize) -> String {
        format!("{}{}", fixed(value * self.factor, decimals), self.unit)
    }

    /// A figure as it is shown, without rounding and without unit.
    pub(crate) fn shown(&self, value: f64) -> f64 {
        value * self.factor
    }

    /// A size of effect with its unit, to six significant digits: `1 pp`.
    pub(crate) fn threshold(&self, value: f64) -> String {
        format!("{}{}", self::value(value * self.factor), self.unit)
    }

    /// A size of effect with its unit, to two significant digits: `2.1 pp`.
    pub(crate) fn rough(&self, value: f64) -> String {
        self.plain(value, decimals(value * self.factor))
    }

    /// The bounds without the unit: `+6.85 to +8.47`.
    pub(crate) fn bounds(&self, interval: Interval) -> String {
        let decimals = self.decimals(Some(interval));
        let bound = |bound: f64| signed(bound * self.factor, decimals);
        format!("{} to {}", bound(interval.lower), bound(interval.upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Role;
    use crate::results::Direction;

    fn metric(proportion: bool, unit: Option<&str>) -> MetricView {
        MetricView {
            name: "m".to_owned(),
            role: Role::Primary,
            unit_of_measure: unit.map(str::to_owned),
            proportion,
            desired: Direction::Increase,
            matters: None,
            limit: None,
            cap: None,
            quantile: None,
        }
    }

    #[test]
    fn thousands_are_separated_in_the_integer_part_only() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(64_000), "64,000");
        assert_eq!(count(10_000_000_000), "10,000,000,000");
        assert_eq!(fixed(-1_234_567.891_2, 3), "−1,234,567.891");
    }

    #[test]
    fn zero_has_no_sign_even_after_rounding() {
        assert_eq!(signed(-0.001, 2), "0.00");
        assert_eq!(signed(0.001, 2), "0.00");
        assert_eq!(signed(0.005_1, 2), "+0.01");
        assert_eq!(fixed(-0.0, 1), "0.0");
    }

    #[test]
    fn the_interval_justifies_the_digits() {
        let interval = |half_width: f64| Some(Interval { lower: -half_width, upper: half_width });
        let scale = Scale::of_effects(&metric(false, None));
        let decimals = |half_width| scale.decimals(interval(half_width));
        assert_eq!([0.004_2, 0.042, 0.42, 4.2, 42.0, 4_200.0].map(decimals), [4, 3, 2, 1, 0, 0]);
        assert_eq!(decimals(0.0), 2);
        assert_eq!(decimals(0.009_96), 3, "rounds up to 0.010, which has one digit less");
    }

    #[test]
    fn a_proportion_has_effects_in_percentage_points_and_means_in_percent() {
        let visit = metric(true, None);
        assert_eq!(Scale::of_effects(&visit).signed(0.076_59, 2), "+7.66 pp");
        assert_eq!(Scale::of_means(&visit).plain(0.182_757, 2), "18.28%");
        let interval = Interval { lower: -0.004_2, upper: 0.008_3 };
        assert_eq!(Scale::of_effects(&visit).bounds(interval), "−0.42 to +0.83");
    }

    #[test]
    fn a_unit_of_measure_follows_its_figures() {
        let spend = metric(false, Some("USD"));
        assert_eq!(Scale::of_effects(&spend).signed(0.769_827, 2), "+0.77 USD");
        assert_eq!(Scale::of_effects(&spend).threshold(0.5), "0.5 USD");
        assert_eq!(Scale::of_effects(&spend).rough(0.213_4), "0.21 USD");
    }

    #[test]
    fn p_values_are_comparable_with_a_level() {
        let written = [0.0, 0.000_099, 0.000_1, 0.049_96, 0.431_2, 1.0].map(p_value);
        assert_eq!(written, ["<0.0001", "<0.0001", "0.0001", "0.0500", "0.431", "1.000"]);
    }

    #[test]
    fn values_keep_six_significant_digits() {
        let written = [6.0, 0.245_301_82, 1_000.0, -2.5, 0.0, 1e-7, 3e15].map(value);
        assert_eq!(written, ["6", "0.245302", "1,000", "−2.5", "0", "1e−7", "3e15"]);
    }

    #[test]
    fn shares_have_at_most_one_decimal() {
        assert_eq!([0.25, 0.123, 0.000_5, 0.0, 1.0].map(share), ["25%", "12.3%", "<0.1%", "0%", "100%"]);
    }

    #[test]
    fn what_is_not_finite_is_shown_as_no_number() {
        assert_eq!(fixed(f64::NAN, 2), NO_NUMBER);
        assert_eq!(signed(f64::INFINITY, 2), NO_NUMBER);
        assert_eq!(value(f64::NEG_INFINITY), NO_NUMBER);
    }
}
