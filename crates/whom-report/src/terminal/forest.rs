//! A forest plot in text: by treatment and primary metric, the effect of each cohort on one line.

use unicode_width::UnicodeWidthStr;
use whom_stats::Interval;

use super::palette::Palette;
use super::{INDENT, WIDTH, headed};
use crate::cohort::CohortView;
use crate::effect::{EVERYBODY, EffectRow, Estimand, Role};
use crate::label;
use crate::number::Scale;
use crate::results::{EffectKey, MetricView, Results};

/// Cohorts that are drawn; the table below counts the others.
const COHORTS_SHOWN: usize = 12;

/// Treatments and metrics that are drawn.
const QUESTIONS_SHOWN: usize = 4;

/// Columns of a cohort's name.
const NAME: usize = 20;

/// Columns of a plot.
const PLOT: usize = WIDTH - INDENT.len() - 2 - NAME - 1;

/// The forest plots; nothing without a cohort that has an estimate.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let questions = results
        .metrics_of(Role::Primary)
        .flat_map(|metric| results.treatments().map(move |variant| Plot { results, metric, variant: &variant.name }));
    let plots: Vec<String> = questions.filter_map(|plot| plot.draw(palette)).take(QUESTIONS_SHOWN).collect();
    (!plots.is_empty()).then(|| {
        let remark = "simultaneous intervals of cohorts; │ is no effect, ┊ is everybody’s";
        [vec![headed("FOREST", remark, palette)], plots].concat().join("\n")
    })
}

/// One treatment and one metric.
struct Plot<'a> {
    results: &'a Results,
    metric: &'a MetricView,
    variant: &'a str,
}

impl Plot<'_> {
    fn draw(&self, palette: Palette) -> Option<String> {
        let cohorts = self.results.registered.iter().chain(self.results.discovered());
        let rows: Vec<(&CohortView, &EffectRow)> =
            cohorts.filter_map(|cohort| Some((cohort, self.row(&cohort.name)?))).take(COHORTS_SHOWN).collect();
        let everybody = self.row(EVERYBODY).and_then(|row| row.estimate);
        let intervals = rows.iter().filter_map(|(_, row)| row.interval);
        let ends: Vec<f64> = intervals.flat_map(|interval| [interval.lower, interval.upper]).collect();
        if ends.is_empty() {
            return None;
        }
        let ruler = Ruler::over(ends.into_iter().chain(everybody).chain([0.0]));
        let heading = format!("{} on {}", label::shortened(self.variant, 30), label::shortened(&self.metric.name, 30));
        let mut lines = vec![format!("{INDENT}{heading}")];
        for (cohort, row) in rows {
            let name = label::shortened(&cohort.name, NAME);
            let padding = " ".repeat(NAME.saturating_sub(name.width()) + 1);
            let drawn = ruler.line(row.estimate, row.interval, everybody);
            let drawn = match row.interval {
                Some(interval) if interval.excludes_zero() => palette.strong(drawn.trim_end()),
                _ => drawn.trim_end().to_owned(),
            };
            lines.push(format!("{INDENT}  {name}{padding}{drawn}").trim_end().to_owned());
        }
        lines.push(palette.faint(&format!("{INDENT}  {}{}", " ".repeat(NAME + 1), self.scale(&ruler))));
        Some(lines.join("\n"))
    }

    fn row(&self, cohort: &str) -> Option<&EffectRow> {
        let (metric, variant, estimand) = (self.metric.name.as_str(), self.variant, Estimand::Effect);
        self.results.effect(EffectKey { metric, variant, cohort, estimand })
    }

    /// The values at both ends of the plot.
    fn scale(&self, ruler: &Ruler) -> String {
        let scale = Scale::of_effects(self.metric);
        let width = Interval { lower: ruler.lower, upper: ruler.upper };
        let decimals = scale.decimals(Some(width));
        let [from, to] = [ruler.lower, ruler.upper].map(|value| scale.signed(value, decimals));
        let gap = PLOT.saturating_sub(from.width() + to.width());
        format!("{from}{}{to}", " ".repeat(gap))
    }
}

/// From values to the columns of a plot.
struct Ruler {
    lower: f64,
    upper: f64,
}

impl Ruler {
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (lower, upper) =
            values.fold((0.0_f64, 0.0_f64), |(lower, upper), value| (lower.min(value), upper.max(value)));
        if lower < upper { Self { lower, upper } } else { Self { lower: -1.0, upper: 1.0 } }
    }

    fn column(&self, value: f64) -> usize {
        let fraction = (value - self.lower) / (self.upper - self.lower);
        (fraction.clamp(0.0, 1.0) * (PLOT - 1) as f64).round() as usize
    }

    /// One line: `   ┊  ├──●──┤`.
    fn line(&self, estimate: Option<f64>, interval: Option<Interval>, everybody: Option<f64>) -> String {
        let mut line = vec![' '; PLOT];
        let mut put = |column: usize, character: char| {
            if let Some(place) = line.get_mut(column) {
                *place = character;
            }
        };
        put(self.column(0.0), '│');
        let span = interval.map(|interval| (self.column(interval.lower), self.column(interval.upper)));
        if let Some((from, to)) = span {
            (from..=to).for_each(|column| put(column, '─'));
        }
        if let Some(column) = everybody.map(|everybody| self.column(everybody)) {
            let is_crossed = span.is_some_and(|(from, to)| (from..=to).contains(&column));
            put(column, if is_crossed { '┼' } else { '┊' });
        }
        if let Some((from, to)) = span {
            put(from, '├');
            put(to, '┤');
        }
        if let Some(estimate) = estimate {
            put(self.column(estimate), '●');
        }
        line.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_estimate_lies_between_its_ends_on_its_side_of_zero(estimate in -9.0f64..9.0, half in 0.1f64..5.0, other in -9.0f64..9.0) {
            let interval = Interval { lower: estimate - half, upper: estimate + half };
            let ruler = Ruler::over([interval.lower, interval.upper, other, 0.0].into_iter());
            let line: Vec<char> = ruler.line(Some(estimate), Some(interval), Some(other)).chars().collect();
            prop_assert_eq!(line.len(), PLOT);
            let place = |sign: char| line.iter().position(|character| *character == sign);
            let (dot, zero) = (place('●').expect("an estimate"), ruler.column(0.0));
            prop_assert!(place('├').is_none_or(|from| from <= dot) && place('┤').is_none_or(|to| dot <= to));
            let is_on_its_side = if estimate > 0.0 { dot >= zero } else { dot <= zero };
            prop_assert!(is_on_its_side, "{}", dot);
        }
    }

    #[test]
    fn nothing_but_zero_is_a_plot_around_it() {
        let ruler = Ruler::over([0.0].into_iter());
        assert_eq!(ruler.line(None, None, None).trim(), "│");
    }
}
