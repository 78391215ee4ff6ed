//! What an experiment could find: one like a published one, or one that days before it stand for. From the noise of its estimates, never from its effects.
//!
//! A further experiment with the same design, metrics and shares of the arms, and with `units` in place of the run's units,
//! has standard errors smaller by the root of their ratio. Averages and declared cohorts of primary metrics are one family, so
//! each test has its part of the error rate (Bonferroni, which Holm starts with); a guardrail's margin is tested by itself on one
//! side; a cohort that is yet to be found is measured on half of the units, against the rest.

use serde::Serialize;
use whom_stats::{Noise, NotEstimable, PlannedArm, PlannedArms, PlannedTest, Sides};

use crate::effect::{EVERYBODY, EffectRow, Estimand, Family, Role};
use crate::results::{MetricView, Results, Threshold};

/// The powers that detectable effects are stated for.
pub const POWERS: [f64; 2] = [0.8, 0.9];

/// The part of the units that measures cohorts which the other part finds.
const MEASURING: f64 = 0.5;

/// What could be found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planning {
    /// The experiment of the run.
    pub experiment: String,
    /// The days before the experiment that stand for the run; `None` for a published one.
    pub pre_period: Option<PrePeriodView>,
    /// The units that the run analysed.
    pub units_of_run: u64,
    /// The units that are planned for, in all arms together.
    pub units: u64,
    /// One less the error rate of each family.
    pub level: f64,
    /// By treatment, metric, and whose effect.
    pub rows: Vec<PlannedRow>,
}

/// Days before an experiment, analysed as if it had begun in them: nobody was treated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrePeriodView {
    /// The fact table whose first row in these days brought each unit.
    pub units_of: String,
    /// The first day, in the experiment's time zone.
    pub first: String,
    /// The last day.
    pub last: String,
    /// How many days there are.
    pub days: u64,
    /// What a reader has to know of how the experiment was made up, each a sentence without a final period.
    pub remarks: Vec<String>,
}

impl PrePeriodView {
    /// The days in which so many units come at the rate at which `came` did; `None` if nobody did. First arrivals grow fewer, so
    /// more units than came take more days than these.
    fn days_of(&self, units: u64, came: u64) -> Option<u64> {
        let days = (u128::from(units) * u128::from(self.days)).div_ceil(u128::from(came).max(1));
        if came == 0 { None } else { u64::try_from(days).ok() }
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlannedRow {
    /// The metric.
    pub metric: String,
    /// Its role: primary or guardrail.
    pub role: Role,
    /// The treatment.
    pub variant: String,
    /// Whose effect.
    pub subject: PlannedSubject,
    /// The tests that share the error rate.
    pub tests: usize,
    /// The units of control and of the treatment that the run compared.
    pub compared: Option<[u64; 2]>,
    /// The standard error that the run had with these; of a difference between cohorts that of the average.
    pub std_err: Option<f64>,
    /// The smallest effect, in the metric's unit, that is found with each of [`POWERS`].
    pub detectable: Option<[f64; 2]>,
    /// The same over control's mean.
    pub detectable_lift: Option<[f64; 2]>,
    /// The smallest effect that matters, in the metric's unit.
    pub matters: Option<f64>,
    /// Units in all arms that find what matters with the first of [`POWERS`].
    pub needed_units: Option<u64>,
    /// The days in which these come, at the rate of the pre-period; `None` for a published run.
    pub needed_days: Option<u64>,
    /// Why there is nothing to plan with; `None` where there is.
    pub not_estimable: Option<String>,
    /// Why the run's estimate, and with it its error, is outside the range of its method; `None` for a reliable one.
    pub unreliable: Option<String>,
}

/// Whose effect is asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedSubject {
    /// The average.
    Everybody,
    /// A guardrail's margin to its limit, on average.
    Margin,
    /// A declared cohort.
    Cohort(String),
    /// The difference between a cohort with this share of the units, yet to be found, and the rest.
    Difference(f64),
}

impl Planning {
    /// What an experiment like the one of these results could find with `units` in all; with as many as it had if not given.
    pub fn of(results: &Results, units: Option<u64>) -> Self {
        let units_of_run = results.units();
        let planner = Planner { results, units: units.unwrap_or(units_of_run), units_of_run };
        let asked = [Role::Primary, Role::Guardrail].into_iter().flat_map(|role| results.metrics_of(role));
        let rows = asked.flat_map(|metric| {
            results.treatments().flat_map(move |variant| planner.rows(metric, &variant.name)).collect::<Vec<_>>()
        });
        Self {
            experiment: results.experiment.clone(),
            pre_period: None,
            units_of_run,
            units: planner.units,
            level: results.level,
            rows: rows.collect(),
        }
    }

    /// What an experiment could find whose results in days before it are these; besides, how many days it takes.
    pub fn of_pre_period(results: &Results, period: PrePeriodView, units: Option<u64>) -> Self {
        let mut planning = Self::of(results, units);
        for row in &mut planning.rows {
            row.needed_days = row.needed_units.and_then(|units| period.days_of(units, planning.units_of_run));
        }
        Self { pre_period: Some(period), ..planning }
    }
}

#[derive(Clone, Copy)]
struct Planner<'a> {
    results: &'a Results,
    units: u64,
    units_of_run: u64,
}

impl Planner<'_> {
    fn rows(self, metric: &MetricView, variant: &str) -> Vec<PlannedRow> {
        let of = |estimand| {
            move |row: &&EffectRow| row.metric == metric.name && row.variant == variant && row.estimand == estimand
        };
        let effects = || self.results.effects.iter();
        let average = effects().filter(of(Estimand::Effect)).find(|row| row.cohort == EVERYBODY);
        if metric.role == Role::Guardrail {
            let margin = effects().filter(of(Estimand::Margin)).find(|row| row.cohort == EVERYBODY);
            return margin.into_iter().map(|row| self.row(metric, row, PlannedSubject::Margin)).collect();
        }
        let registered = |row: &&EffectRow| self.results.registered.iter().any(|cohort| cohort.name == row.cohort);
        let everybody = average.map(|row| self.row(metric, row, PlannedSubject::Everybody));
        let cohorts = effects()
            .filter(of(Estimand::Effect))
            .filter(registered)
            .map(|row| self.row(metric, row, PlannedSubject::Cohort(row.cohort.clone())));
        let differences = whom_stats::COHORT_SHARES
            .into_iter()
            .filter_map(|share| average.map(|row| self.row(metric, row, PlannedSubject::Difference(share))));
        everybody.into_iter().chain(cohorts).chain(differences).collect()
    }

    fn row(self, metric: &MetricView, row: &EffectRow, subject: PlannedSubject) -> PlannedRow {
        let test = self.test(row, &subject);
        let matters = matters(metric, row, &subject);
        let planned = arms_of(row).and_then(|arms| Ok((arms, noise(&arms, self.factor(), &subject)?)));
        let found = planned.map(|(arms, noise)| {
            let detectable = POWERS.map(|power| PlannedTest { power, ..test }.detectable(noise));
            let needed = matters.and_then(|matters| self.needed(&test, matters, &arms, &subject));
            (detectable, needed)
        });
        let lift = |detectable: [f64; 2]| {
            let control = row.mean_control.map(f64::abs).filter(|mean| *mean > 0.0)?;
            Some(detectable.map(|effect| effect / control))
        };
        let (detectable, needed_units, not_estimable) = match found {
            Ok((detectable, needed)) => (Some(detectable), needed, None),
            Err(reason) => (None, None, Some(row.not_estimable.clone().unwrap_or(reason))),
        };
        PlannedRow {
            metric: metric.name.clone(),
            role: metric.role,
            variant: row.variant.clone(),
            tests: test.tests,
            compared: row.n_control.zip(row.n_variant).map(Into::into),
            std_err: row.std_err,
            detectable,
            detectable_lift: detectable.and_then(lift),
            matters,
            needed_units,
            needed_days: None,
            not_estimable,
            unreliable: row.unreliable.clone(),
            subject,
        }
    }

    /// The planned units for each unit of the run.
    fn factor(self) -> f64 {
        self.units as f64 / self.units_of_run.max(1) as f64
    }

    fn test(self, row: &EffectRow, subject: &PlannedSubject) -> PlannedTest {
        let level = self.results.level;
        let is_asked = |row: &&EffectRow| {
            row.family == Family::Confirmatory && matches!(row.estimand, Estimand::Effect | Estimand::Contrast)
        };
        match subject {
            PlannedSubject::Margin => PlannedTest { level, sides: Sides::One, ..PlannedTest::default() },
            PlannedSubject::Difference(_) => PlannedTest { level, ..PlannedTest::default() },
            PlannedSubject::Everybody | PlannedSubject::Cohort(_) => {
                let tests = self.results.effects.iter().filter(is_asked).count().max(1);
                let sides = if row.alternative.is_one_sided() { Sides::One } else { Sides::Two };
                PlannedTest { level, sides, tests, ..PlannedTest::default() }
            }
        }
    }

    /// The units in all arms that find what matters.
    fn needed(self, test: &PlannedTest, matters: f64, arms: &PlannedArms, subject: &PlannedSubject) -> Option<u64> {
        let noisier = match subject {
            PlannedSubject::Difference(share) => (1.0 / share + 1.0 / (1.0 - share)) / MEASURING,
            _ => 1.0,
        };
        let noisy = |arm: PlannedArm| PlannedArm { variance: noisier * arm.variance, ..arm };
        let arms = PlannedArms { treatment: noisy(arms.treatment), control: noisy(arms.control) };
        let compared = test.needed_units(matters, &arms)?;
        Some((compared as f64 * self.units_of_run as f64 / arms.units()).ceil() as u64)
    }
}

/// The arms of a row, as if both varied alike: with its units and its standard error.
fn arms_of(row: &EffectRow) -> Result<PlannedArms, String> {
    let numbers = row.std_err.zip(row.n_variant).zip(row.n_control);
    let Some(((std_err, treatment), control)) = numbers else {
        return Err("the run tells no error of it, or no units".to_owned());
    };
    let [treatment, control] = [treatment, control].map(|units| units as f64);
    let variance = std_err * std_err / (1.0 / treatment + 1.0 / control);
    let arm = |units| PlannedArm { units, variance };
    Ok(PlannedArms { treatment: arm(treatment), control: arm(control) })
}

/// The noise of what is asked for with so many times the units of the run.
fn noise(arms: &PlannedArms, factor: f64, subject: &PlannedSubject) -> Result<Noise, String> {
    let of = |factor: f64| arms.times(factor).noise().map_err(|reason: NotEstimable| reason.to_string());
    match subject {
        PlannedSubject::Difference(share) => Ok(of(factor * MEASURING)?.between_cohorts([*share, 1.0 - share])),
        _ => of(factor),
    }
}

/// What matters, in the metric's unit. A guardrail is held against its limit: an effect of nothing has to be told from it.
fn matters(metric: &MetricView, row: &EffectRow, subject: &PlannedSubject) -> Option<f64> {
    let threshold = if *subject == PlannedSubject::Margin { metric.limit } else { metric.matters };
    match threshold? {
        Threshold::Absolute(amount) => Some(amount),
        Threshold::Relative(share) => row.mean_control.map(|mean| share * mean.abs()),
    }
}

#[cfg(test)]
mod tests {
    use whom_stats::Alternative;

    use super::*;
    use crate::fixture::{self, WOMENS};

    fn row(planning: &Planning, subject: &PlannedSubject) -> PlannedRow {
        let mut rows = planning.rows.iter().filter(|row| row.metric == "visit" && row.variant == WOMENS);
        rows.find(|row| row.subject == *subject).expect("a row").clone()
    }

    #[test]
    fn four_times_the_units_find_half_the_effect() {
        let results = fixture::registered();
        let now = Planning::of(&results, None);
        assert_eq!(now.units, results.units());
        let later = Planning::of(&results, Some(4 * results.units()));
        for subject in [
            PlannedSubject::Everybody,
            PlannedSubject::Cohort("newcomers".to_owned()),
            PlannedSubject::Difference(0.25),
        ] {
            let [now, later] = [&now, &later].map(|planning| row(planning, &subject).detectable.expect("an effect"));
            assert!((now[0] / later[0] - 2.0).abs() < 1e-3 && now[1] > now[0], "{now:?} and {later:?}");
        }
    }

    #[test]
    fn a_detectable_effect_is_the_textbook_s() {
        // All tests at 5 % together and 80 % power: z of 1 - 0.05 / (2 tests), and z of 0.8, in standard errors.
        let mut results = fixture::no_discovery();
        results.registered.clear();
        let tests = results.effects.iter().filter(|row| row.family == Family::Confirmatory);
        let asked = tests.filter(|row| row.estimand == Estimand::Effect).count();
        let planning = Planning::of(&results, None);
        let found = row(&planning, &PlannedSubject::Everybody);
        assert_eq!(found.tests, asked);
        let effect = results.average("visit", WOMENS, Estimand::Effect).expect("a row");
        let normal = |level| whom_stats::Reference::Normal.critical_value(level, f64::INFINITY);
        let expected = (normal(1.0 - 0.05 / asked as f64) + normal(0.6)) * effect.std_err.expect("an error");
        let detectable = found.detectable.expect("an effect")[0];
        assert!((detectable / expected - 1.0).abs() < 1e-3, "{detectable} and {expected}");

        // One-sided: z of 1 - 0.05 / tests, whatever the level of the intervals beside.
        for row in results.effects.iter_mut().filter(|row| row.estimand == Estimand::Effect) {
            (row.alternative, row.level) = (Alternative::Greater, 0.9);
        }
        let found = row(&Planning::of(&results, None), &PlannedSubject::Everybody);
        let std_err = results.average("visit", WOMENS, Estimand::Effect).expect("a row").std_err.expect("an error");
        let expected = (normal(1.0 - 0.1 / asked as f64) + normal(0.6)) * std_err;
        let detectable = found.detectable.expect("an effect")[0];
        assert!((detectable / expected - 1.0).abs() < 1e-3, "{detectable} and {expected}");
    }

    #[test]
    fn the_units_that_are_needed_find_what_matters_and_fewer_do_not() {
        let results = fixture::registered();
        let subject = PlannedSubject::Everybody;
        let found = row(&Planning::of(&results, None), &subject);
        let (matters, needed) = (found.matters.expect("a size"), found.needed_units.expect("units"));
        let at = |units| row(&Planning::of(&results, Some(units)), &subject).detectable.expect("an effect")[0];
        assert!(at(needed) <= matters * (1.0 + 1e-6) && at(needed * 9 / 10) > matters, "{needed}: {matters}");
    }

    #[test]
    fn units_that_are_needed_take_days_at_the_rate_of_the_pre_period() {
        let results = fixture::registered();
        let period = fixture::pre_period();
        let days = period.days;
        let planning = Planning::of_pre_period(&results, period, None);
        for row in &planning.rows {
            let expected =
                row.needed_units.map(|units| (units as f64 * days as f64 / results.units() as f64).ceil() as u64);
            assert_eq!(row.needed_days, expected, "{row:?}");
        }
        assert!(planning.rows.iter().any(|row| row.needed_days.is_some()));
        let now = Planning::of(&results, None);
        assert!(now.rows.iter().all(|row| row.needed_days.is_none()) && now.pre_period.is_none());
        assert_eq!(fixture::pre_period().days_of(7, 0), None, "nobody came");
    }

    #[test]
    fn a_plan_from_an_unreliable_error_says_so() {
        let mut results = fixture::registered();
        assert_eq!(row(&Planning::of(&results, None), &PlannedSubject::Everybody).unreliable, None);
        results.effects.iter_mut().for_each(|row| row.unreliable = Some("too few events".to_owned()));
        let planning = Planning::of(&results, None);
        assert!(planning.rows.iter().all(|row| row.unreliable.as_deref() == Some("too few events")));
    }

    #[test]
    fn what_has_no_error_has_no_plan() {
        let mut results = fixture::registered();
        results.effects.iter_mut().for_each(|row| row.std_err = None);
        let planning = Planning::of(&results, None);
        assert!(planning.rows.iter().all(|row| row.detectable.is_none() && row.not_estimable.is_some()));
        results.variants.iter_mut().for_each(|variant| variant.units = 0);
        assert_eq!(Planning::of(&results, None).units, 0);
    }
}
