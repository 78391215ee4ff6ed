//! What results say that is not so, given the effects that are known.

use whom_report::{
    CohortDefinition, EVERYBODY, EffectRow, Estimand, Evidence, Family, Results, RuleCondition, Standing, Verdict,
};

use super::experiment::{AGES, CITIES, Kind, SCORES};

/// What false discovery proportions are counted in.
pub(super) const MILLION: f64 = 1e6;

/// What came of experiments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// A true hypothesis of F1 was rejected.
    pub(super) confirmatory: i64,
    /// A simultaneous interval of F1 missed its truth.
    pub(super) confirmatory_missed: i64,
    /// A gate opened where the effect is the same for all.
    pub(super) gate: i64,
    /// The gate of the letter on `gain` opened.
    pub(super) gate_of_letter: i64,
    /// A discovered cohort's effect of none was rejected.
    pub(super) effects: i64,
    /// A contrast of none was rejected, whether or not its gate is open.
    pub(super) contrasts: i64,
    /// A simultaneous interval of F2 missed its truth.
    pub(super) discovered_missed: i64,
    /// A discovered cohort was falsely said to differ, to gain or to lose.
    pub(super) claims: i64,
    /// A discovered cohort was rightly said so.
    pub(super) right_claims: i64,
    /// The share of what is rejected in F3 that is true, in millionths.
    pub(super) exploratory: i64,
    /// The partition had two cohorts or more.
    pub(super) partitioned: i64,
}

impl Counts {
    pub(super) fn numbers(self) -> Vec<i64> {
        let Self { confirmatory, confirmatory_missed, gate, gate_of_letter, effects, contrasts, .. } = self;
        let Self { discovered_missed, claims, right_claims, exploratory, partitioned, .. } = self;
        let first = [confirmatory, confirmatory_missed, gate, gate_of_letter, effects, contrasts];
        [&first[..], &[discovered_missed, claims, right_claims, exploratory, partitioned]].concat()
    }

    pub(super) fn of(numbers: &[i64]) -> Self {
        let [confirmatory, confirmatory_missed, gate, gate_of_letter, effects, contrasts, rest @ ..] = numbers else {
            panic!("{numbers:?}")
        };
        let [discovered_missed, claims, right_claims, exploratory, partitioned] = rest else { panic!("{numbers:?}") };
        Self {
            confirmatory: *confirmatory,
            confirmatory_missed: *confirmatory_missed,
            gate: *gate,
            gate_of_letter: *gate_of_letter,
            effects: *effects,
            contrasts: *contrasts,
            discovered_missed: *discovered_missed,
            claims: *claims,
            right_claims: *right_claims,
            exploratory: *exploratory,
            partitioned: *partitioned,
        }
    }
}

/// The units of a cohort, by tags that know nothing of each other.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cohort {
    ages: [bool; AGES],
    /// Its share of all units.
    share: f64,
}

/// Results beside what is true.
pub(super) struct Judged<'a> {
    pub(super) kind: Kind,
    pub(super) results: &'a Results,
}

impl Judged<'_> {
    pub(super) fn counts(&self) -> Counts {
        let of = |family: Family| move |row: &&EffectRow| row.family == family && row.unreliable.is_none();
        let rows = || self.results.effects.iter();
        let (confirmatory, discovered) =
            (|| rows().filter(of(Family::Confirmatory)), || rows().filter(of(Family::Discovered)));
        let any = |found: bool| i64::from(found);
        let rejects = |estimand: Estimand| {
            move |row: &&EffectRow| row.estimand == estimand && row.is_significant() && self.is_true(row)
        };
        let tests = || self.results.global_tests.iter().filter(|test| test.open);
        let is_uneven = |variant: &str, metric: &str| {
            let everybody = self.cohort(EVERYBODY).expect("everybody");
            let effects = |age: usize| {
                self.effect((metric, variant), &Cohort { ages: std::array::from_fn(|other| other == age), ..everybody })
            };
            (1..AGES).any(|age| effects(age) != effects(0))
        };
        Counts {
            confirmatory: any(confirmatory().any(|row| is_tested(row) && row.is_significant() && self.is_true(row))),
            confirmatory_missed: any(confirmatory().any(|row| self.misses(row))),
            gate: any(tests().any(|test| !is_uneven(&test.variant, &test.metric))),
            gate_of_letter: any(tests().any(|test| (test.variant.as_str(), test.metric.as_str()) == ("letter", "gain"))),
            effects: any(discovered().any(|row| rejects(Estimand::Effect)(&row))),
            contrasts: any(discovered().any(|row| rejects(Estimand::Contrast)(&row))),
            discovered_missed: any(discovered().any(|row| self.misses(row))),
            claims: any(self.claims().any(|is_right| !is_right)),
            right_claims: any(self.claims().any(|is_right| is_right)),
            exploratory: self.false_discoveries(),
            partitioned: any(self.results.discovered().len() > 1),
        }
    }

    /// Of each claim about a discovered cohort, whether it is right.
    fn claims(&self) -> impl Iterator<Item = bool> {
        let verdicts = Verdict::of(self.results).cohorts.into_iter();
        let made =
            verdicts.filter(|said| said.evidence == Evidence::HeldOut && said.reliable && said.standing.is_claim());
        made.map(|said| {
            let question = (said.metric.as_str(), said.variant.as_str());
            let cohort = self.cohort(&said.cohort).expect("a cohort");
            let effect = self.effect(question, &cohort);
            self.contrast(question, &cohort) != 0.0
                && match said.standing {
                    Standing::Gains => effect > 0.0,
                    Standing::Loses => effect < 0.0,
                    _ => true,
                }
        })
    }

    /// Over rows, one-tag tables and slices, whose effects are the same over weeks and cities.
    fn false_discoveries(&self) -> i64 {
        let levels = self.results.tag_tables.iter().flat_map(|table| &table.levels).flat_map(|level| &level.effects);
        let rows = self.results.effects.iter().chain(levels).filter(|row| row.family == Family::Exploratory);
        let rejected: Vec<bool> = rows
            .filter(|row| is_tested(row) && row.unreliable.is_none() && row.is_significant())
            .map(|row| self.is_true(row))
            .collect();
        let unstable =
            self.results.slices.iter().filter(|row| row.p_value_adjusted.is_some_and(|p| p < 1.0 - row.level));
        let falsely = rejected.iter().filter(|is_true| **is_true).count() + unstable.clone().count();
        let all = rejected.len() + unstable.count();
        (MILLION * falsely as f64 / all.max(1) as f64).round() as i64
    }

    /// Whether a row's hypothesis, that there is nothing, is true.
    fn is_true(&self, row: &EffectRow) -> bool {
        self.truth(row) == 0.0
    }

    /// Whether a simultaneous interval leaves out the truth.
    fn misses(&self, row: &EffectRow) -> bool {
        let of_effects = matches!(row.estimand, Estimand::Effect | Estimand::Contrast);
        row.interval.is_some_and(|interval| of_effects && !interval.contains(self.truth(row)))
    }

    fn truth(&self, row: &EffectRow) -> f64 {
        let (question, cohort) =
            ((row.metric.as_str(), row.variant.as_str()), self.cohort(&row.cohort).expect("a cohort"));
        match row.estimand {
            Estimand::Contrast => self.contrast(question, &cohort),
            _ => self.effect(question, &cohort),
        }
    }

    /// A treatment's effect on a metric in a cohort.
    fn effect(&self, question: (&str, &str), cohort: &Cohort) -> f64 {
        if question != ("gain", "letter") {
            return 0.0;
        }
        let of = |age: &usize| cohort.ages[*age];
        let ages = (0..AGES).filter(of).count();
        let affected = (0..AGES).filter(of).filter(|age| self.kind.affected.affects(*age)).count();
        // The fraction first: equal fractions are then equal effects.
        self.kind.gain * (affected as f64 / ages as f64)
    }

    /// The same less that in the rest.
    fn contrast(&self, question: (&str, &str), cohort: &Cohort) -> f64 {
        let everybody = self.effect(question, &Cohort { ages: [true; AGES], share: 1.0 });
        (self.effect(question, cohort) - everybody) / (1.0 - cohort.share)
    }

    /// Everybody, a cohort that is named beforehand or discovered, or a level of a tag.
    fn cohort(&self, name: &str) -> Option<Cohort> {
        let all = Cohort { ages: [true; AGES], share: 1.0 };
        match name {
            EVERYBODY => return Some(all),
            "young" => return Some(Cohort { ages: std::array::from_fn(|age| age < 4), share: 0.5 }),
            "southern" => return Some(Cohort { share: 0.25, ..all }),
            _ => {}
        }
        if let Some(cohort) = self.results.discovered().iter().find(|cohort| cohort.name == name) {
            let CohortDefinition::Discovered(rule) = &cohort.definition else { return None };
            return Some(rule.conditions.iter().fold(all, narrowed));
        }
        let levels = self.results.tag_tables.iter().flat_map(|table| &table.levels);
        levels.filter(|level| level.name == name).map(|level| narrowed(all, &level.condition)).next()
    }
}

/// A lift asks what its effect asks, and a margin is about a limit.
fn is_tested(row: &EffectRow) -> bool {
    !matches!(row.estimand, Estimand::Lift | Estimand::Margin)
}

/// The units of a cohort that meet a condition.
fn narrowed(cohort: Cohort, condition: &RuleCondition) -> Cohort {
    match condition {
        RuleCondition::Numeric { tag, ranges, .. } => {
            let admits = |value: usize| ranges.iter().any(|range| range.contains(value as f64));
            if tag == "age" {
                let ages: [bool; AGES] = std::array::from_fn(|age| cohort.ages[age] && admits(age));
                let count = |ages: &[bool; AGES]| ages.iter().filter(|age| **age).count() as f64;
                Cohort { ages, share: cohort.share * count(&ages) / count(&cohort.ages) }
            } else {
                let admitted = (0..SCORES).filter(|score| admits(*score)).count();
                Cohort { share: cohort.share * admitted as f64 / SCORES as f64, ..cohort }
            }
        }
        RuleCondition::Categorical { levels, .. } => {
            Cohort { share: cohort.share * levels.len() as f64 / CITIES.len() as f64, ..cohort }
        }
    }
}
