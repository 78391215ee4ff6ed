//! Measures: the numbers per unit that metrics are made of.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use super::{Aggregate, IncompleteWindow, Metric, MissingMetric, NonFinite, Precision, TagKind};
use crate::spanned::Spanned;

/// A number per unit, made of the events of one fact table in a window around the unit's first exposure: the value of a metric,
/// what its sum is divided by, or either of them before the exposure.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure<'a> {
    /// The metric's place in the file; the number of metrics if it is of none.
    pub metric: usize,
    /// What it is to the metric.
    pub part: MeasurePart,
    /// Its name, unique among measures: that of the metric for its value.
    pub name: String,
    /// The name of the metric, or of the table, and its place in the file, for messages.
    pub of: &'a Spanned<String>,
    /// The fact table's name; it exists.
    pub from: &'a Spanned<String>,
    /// What is aggregated, as SQL text over the fact table.
    pub value: Option<&'a Spanned<String>>,
    /// The declared fixed-point grid.
    pub precision: Option<Precision>,
    /// How the events of a unit become one number.
    pub aggregate: Aggregate,
    /// The events that count, as SQL text.
    pub filter: Option<&'a Spanned<String>>,
    /// When the window opens, in hours after first exposure; negative before it.
    pub opens: i64,
    /// When the window closes, in hours after first exposure.
    pub closes: i64,
    /// What happens to a unit whose window is still open at the end of `through`.
    pub incomplete_window: IncompleteWindow,
    /// What a unit without events gets.
    pub missing: MissingMetric,
    /// What happens to NaN and infinite values.
    pub non_finite: NonFinite,
}

/// The name of the measure that says whether a unit reached the event of the exposure filter.
const REACHED: &str = "exposure filter";

/// What a measure is to its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MeasurePart {
    /// Its value; of a ratio the numerator.
    Value,
    /// The denominator of a ratio.
    Denominator,
    /// The value in the pre-period.
    ValueBefore,
    /// The denominator in the pre-period.
    DenominatorBefore,
    /// Of no metric: whether the unit reached the event of the split's `exposure_filter`.
    Reached,
}

impl MeasurePart {
    /// Whether it is measured before the exposure.
    pub fn is_before(self) -> bool {
        matches!(self, Self::ValueBefore | Self::DenominatorBefore)
    }

    fn is_denominator(self) -> bool {
        matches!(self, Self::Denominator | Self::DenominatorBefore)
    }

    /// The name of the measure, given that of the metric.
    pub fn name(self, metric: &str) -> String {
        match self {
            Self::Value => metric.to_owned(),
            Self::Denominator => format!("denominator of {metric}"),
            Self::ValueBefore => format!("{metric} before exposure"),
            Self::DenominatorBefore => format!("denominator of {metric} before exposure"),
            Self::Reached => REACHED.to_owned(),
        }
    }
}

impl Metric {
    /// The parts that it is made of, its value first.
    pub fn parts(&self) -> Vec<MeasurePart> {
        let mut parts = vec![MeasurePart::Value];
        parts.extend(self.denominator.as_ref().map(|_| MeasurePart::Denominator));
        if self.cuped.as_ref().is_some_and(|cuped| cuped.pre_period.is_some()) {
            parts.push(MeasurePart::ValueBefore);
            parts.extend(self.denominator.as_ref().map(|_| MeasurePart::DenominatorBefore));
        }
        parts
    }

    /// A part of it, which it has; `metric` is its place in the file.
    fn measure(&self, metric: usize, part: MeasurePart) -> Measure<'_> {
        let denominator = self.denominator.as_ref().filter(|_| part.is_denominator());
        let (opens, closes) = self.window_of(part);
        Measure {
            metric,
            part,
            name: part.name(&self.name),
            of: &self.name,
            from: denominator.map_or(&self.from, |denominator| &denominator.from),
            value: denominator.map_or(self.value.as_ref(), |denominator| denominator.value.as_ref()),
            precision: denominator.map_or(self.precision, |denominator| denominator.precision),
            aggregate: denominator.map_or(self.aggregate, |denominator| denominator.aggregate),
            filter: denominator.map_or(self.filter.as_ref(), |denominator| denominator.filter.as_ref()),
            opens,
            closes,
            incomplete_window: self.incomplete_window,
            missing: self.missing_of(part),
            non_finite: self.non_finite,
        }
    }

    /// The hours after first exposure at which the window of a part opens and closes.
    fn window_of(&self, part: MeasurePart) -> (i64, i64) {
        let before = self.cuped.as_ref().and_then(|cuped| cuped.pre_period).filter(|_| part.is_before());
        match before {
            Some(period) => (-i64::from(period.0), 0),
            None => (i64::from(self.delay.0), i64::from(self.delay.0) + i64::from(self.window.0)),
        }
    }

    /// Before the exposure nobody is refused or dropped for lack of events: a unit without any has no pre-period, which is a
    /// covariate of its own.
    fn missing_of(&self, part: MeasurePart) -> MissingMetric {
        if part.is_before() { MissingMetric::DropUnit } else { self.missing }
    }
}

impl super::Plan {
    /// All measures: the value of each metric at the metric's place, then all others, metric by metric, and last whether a unit
    /// reached the event of the exposure filter.
    pub fn measures(&self) -> Vec<Measure<'_>> {
        let all = || self.metrics.iter().enumerate();
        let values = all().map(|(place, metric)| metric.measure(place, MeasurePart::Value));
        let others = all().flat_map(|(place, metric)| {
            metric.parts().into_iter().skip(1).map(move |part| metric.measure(place, part))
        });
        values.chain(others).chain(self.reached()).collect()
    }

    /// Whether a unit reached the event of the exposure filter: 1 if there is one so far, else 0.
    fn reached(&self) -> Option<Measure<'_>> {
        let filter = self.split.exposure_filter.as_ref()?;
        Some(Measure {
            metric: self.metrics.len(),
            part: MeasurePart::Reached,
            name: MeasurePart::Reached.name(&filter.from),
            of: &filter.from,
            from: &filter.from,
            value: None,
            precision: None,
            aggregate: Aggregate::Any,
            filter: filter.filter.as_ref(),
            opens: 0,
            closes: i64::from(filter.window.0),
            incomplete_window: IncompleteWindow::Include,
            missing: MissingMetric::Zero,
            non_finite: NonFinite::Refuse,
        })
    }

    /// The most integers that a unit has for passes and products: measures, covariates, and what is made of them.
    pub fn value_columns(&self) -> usize {
        let tags: BTreeSet<&str> = self
            .metrics
            .iter()
            .filter_map(|metric| metric.cuped.as_ref())
            .flat_map(|cuped| &cuped.tags)
            .map(|tag| tag.as_str())
            .collect();
        let columns = |name: &str| match self.tag(name).map(|(_, tag)| tag.kind) {
            // But for one of the levels; those of the others and of no value at all are two more.
            Some(TagKind::Categorical { levels }) => usize::from(levels) + 1,
            Some(TagKind::Numeric) | None => 1,
        };
        let made = |metric: &Metric| match (&metric.cap, &metric.denominator) {
            (Some(_), _) => 3,
            (None, Some(_)) => 1,
            (None, None) => 0,
        };
        let of_tags: usize = tags.into_iter().map(columns).sum();
        self.measures().len() + of_tags + self.metrics.iter().map(made).sum::<usize>()
    }
}
