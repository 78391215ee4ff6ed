//! Families through the whole funnel: averages and named cohorts, the gate, discovered cohorts, and everything that is exploratory.

use std::fmt::Write as _;

use super::experiment::{Affected, Kind, Metrics};
use super::judged::{Counts, Judged, MILLION};
use super::repeated::{asked, resumed, sum};
use super::results::{bound, share, write};

const MEANS: Kind = Kind {
    metrics: Metrics::Means,
    units: 6_000,
    treated: 33,
    affected: Affected::Nobody,
    gain: 0.8,
    correction: "max_t",
    pruned: false,
};

fn tried(kind: Kind, repetition: u64) -> Vec<i64> {
    let results = kind.analysed(repetition);
    Judged { kind, results: &results }.counts().numbers()
}

#[test]
fn no_family_claims_more_than_its_level() {
    let counted = |affected| sum(0..12, |repetition| tried(Kind { units: 3_000, affected, ..MEANS }, repetition));
    // In the order of `Counts`.
    let expected = [[0, 0, 1, 0, 1, 2, 2, 0, 0, 0, 10], [1, 1, 0, 12, 0, 0, 0, 0, 12, 0, 12]];
    assert_eq!([Affected::Nobody, Affected::Ages(4)].map(counted), expected, "of 12 each");
}

const RAMPED: Kind = Kind { metrics: Metrics::Ramped, ..MEANS };

#[test]
fn no_family_claims_more_than_its_level_within_the_periods_of_a_ramp() {
    let counted = |affected| sum(0..12, |repetition| tried(Kind { units: 8_000, affected, ..RAMPED }, repetition));
    // In the order of `Counts`.
    let expected = [[0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 11], [1, 1, 0, 12, 0, 0, 0, 0, 3, 200_000, 12]];
    assert_eq!([Affected::Nobody, Affected::Ages(4)].map(counted), expected, "of 12 each");
}

const HOUSEHOLDS: Kind = Kind { metrics: Metrics::Households, ..MEANS };

#[test]
fn no_family_claims_more_than_its_level_by_household_and_all_do_where_nobody_told_of_households() {
    let counted = |metrics, affected, repetitions| {
        sum(0..repetitions, |repetition| tried(Kind { units: 8_000, metrics, affected, ..HOUSEHOLDS }, repetition))
    };
    let found = [
        counted(Metrics::Households, Affected::Nobody, 12),
        counted(Metrics::Households, Affected::Ages(4), 6),
        counted(Metrics::HiddenHouseholds, Affected::Nobody, 4),
    ];
    // In the order of `Counts`.
    let expected = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12],
        [0, 0, 1, 5, 0, 0, 0, 0, 4, 0, 6],
        [4, 4, 4, 4, 3, 3, 3, 3, 0, 4_000_000, 4],
    ];
    assert_eq!(found, expected, "of 12, 6 and 4");
}

/// The kinds of experiments, and how many of each.
fn plan() -> Vec<(Kind, u64)> {
    use Affected::{Ages, Everybody, Nobody};
    let mut kinds = Vec::new();
    for affected in [Nobody, Everybody, Ages(1), Ages(4), Ages(7)] {
        kinds.push((Kind { affected, ..MEANS }, 1_000));
    }
    let several = |kind: Kind, patterns: &[Affected]| {
        patterns.iter().map(|affected| (Kind { affected: *affected, ..kind }, 500)).collect::<Vec<_>>()
    };
    kinds.extend(several(
        Kind { correction: "romano_wolf", metrics: Metrics::AdjustedAndRatio, ..MEANS },
        &[Nobody, Ages(1), Ages(4), Ages(7)],
    ));
    kinds.extend(several(
        Kind { correction: "holm", units: 20_000, treated: 10, ..MEANS },
        &[Nobody, Ages(1), Ages(4), Ages(7)],
    ));
    kinds.extend(several(Kind { correction: "bonferroni", units: 2_000, gain: 1.2, ..MEANS }, &[Nobody, Ages(4)]));
    kinds.extend(several(Kind { metrics: Metrics::Spend, units: 20_000, gain: 3.0, ..MEANS }, &[Nobody, Ages(4)]));
    kinds.extend(several(Kind { pruned: true, ..MEANS }, &[Everybody, Ages(4)]));
    kinds.extend(several(RAMPED, &[Nobody, Everybody, Ages(4)]));
    kinds.extend(several(Kind { units: 8_000, ..HOUSEHOLDS }, &[Nobody, Everybody, Ages(4)]));
    kinds
}

#[test]
#[ignore = "up to 1,000 whole analyses of each of 25 kinds"]
fn no_family_claims_more_than_its_level_in_1_000_analyses() {
    let mut table = String::from(HEAD);
    let mut faults = Vec::new();
    for (kind, repetitions) in plan() {
        let repetitions = asked(repetitions);
        let counts = resumed(&format!("funnel {kind:?}"), repetitions, |repetition| tried(kind, repetition));
        let row = Row { kind, counts: Counts::of(&counts), repetitions };
        writeln!(table, "{}", row.words()).expect("a string");
        faults.extend(row.exceeds().then(|| format!("{kind:?}")));
    }
    write("funnel", ABOUT, &table);
    assert!(faults.is_empty(), "{faults:?}\n{table}");
}

/// What came of one kind.
struct Row {
    kind: Kind,
    counts: Counts,
    repetitions: u64,
}

impl Row {
    fn most(&self) -> i64 {
        bound(self.repetitions as usize) as i64
    }

    /// Whether a count that is promised to be small is not.
    fn exceeds(&self) -> bool {
        let Counts { confirmatory, confirmatory_missed, gate, effects, contrasts, discovered_missed, claims, .. } =
            self.counts;
        // The two halves of F2, effects and contrasts, are two families, each with its own level.
        let promised = [confirmatory, confirmatory_missed, gate, effects, contrasts, claims];
        promised.iter().any(|count| *count > self.most())
            || discovered_missed > 2 * self.most()
            || self.counts.exploratory as f64 > MILLION * self.most() as f64
    }

    fn words(&self) -> String {
        let Self { kind, counts, repetitions } = self;
        let all = *repetitions as f64;
        let metrics = match kind.metrics {
            Metrics::Means => "means",
            Metrics::AdjustedAndRatio => "CUPED, ratio",
            Metrics::Spend => "spend, mean",
            Metrics::Ramped => "means, on a ramp",
            Metrics::Households => "means, by household",
            Metrics::HiddenHouseholds => "means, households hidden",
        };
        let affected = match kind.affected {
            Affected::Nobody => "nobody".to_owned(),
            Affected::Everybody => "all alike".to_owned(),
            Affected::Ages(ages) => format!("{ages} of 8 ages"),
        };
        let of = |count: i64| share(count as f64 / all);
        let told = [
            of(counts.confirmatory),
            of(counts.confirmatory_missed),
            of(counts.gate),
            of(counts.effects),
            of(counts.contrasts),
            of(counts.claims),
            share(counts.exploratory as f64 / MILLION / all),
            of(self.most()),
            of(counts.discovered_missed),
            of(counts.gate_of_letter),
            of(counts.right_claims),
            of(counts.partitioned),
        ];
        let pruned = if kind.pruned { ", pruned" } else { "" };
        let Kind { units, treated, correction, .. } = kind;
        format!(
            "| {metrics} | {units} | {treated} % | {correction}{pruned} | {affected} | {repetitions} | {} |",
            told.join(" | ")
        )
    }
}

const HEAD: &str = "\
| primary metrics | units | a treatment's share | F2 by | affected | analyses | F1 rejects falsely | F1 intervals miss | a gate opens falsely | F2 effects reject falsely | F2 contrasts reject falsely | a false claim | F3, false of what it rejects | at most | F2 intervals miss | the letter's gate opens | a right claim | two cohorts or more |
|---|--:|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

const ABOUT: &str = "\
# Families through the whole funnel

Whole analyses, from the unit table to the verdict: two treatments, two primary metrics, a guardrail and a secondary one, two cohorts that are
named beforehand, a joint tree of two levels that is not pruned unless said, one-tag tables, weeks and slices. The letter moves one
primary metric for some ages, the same for all, or for nobody; the call and all other metrics move nowhere, so that every row but
`nobody` is a partial null. Columns tell in how many analyses a thing happened anywhere; for F3, the share of what is rejected that is true, on
average. *A false claim* is that the verdict calls a discovered cohort different, gaining or losing which is not. *At most* is 5 % and
3.1 binomial standard errors of so many analyses; it binds the columns before it. F2 has two families, effects and contrasts, whose
intervals together may miss twice as often. Rows that are marked `unreliable` are left out.";
