//! Corrections keep their error rates: of eight cohorts that are named beforehand none, one, half, all but one, or all are affected.
//!
//! An affected cohort's effect is about six standard errors, so that nearly all of them are found: those that step down or up are then as
//! lenient with the others as they ever are.

mod experiment;

use std::fmt::Write as _;

use whom_stats::{Against, Bootstrap, BucketSet, Correction, Estimate, NotEstimable, Reference, Simultaneous};

use self::experiment::{COHORTS, Design, Family, Metric};
use super::repeated::{asked, resumed, sum};
use super::results::{bound, share, write};
use super::trial::LEVEL;

/// Replicates of the bootstrap; with 399 the critical value has rank 380 exactly.
const REPLICATES: u64 = 399;
/// What false discovery proportions are counted in.
const MILLION: f64 = 1e6;

/// What corrections reject in one experiment.
fn tried(design: Design, affected: usize, repetition: u64, bootstraps: bool) -> Counts {
    let sums = design.sums(affected, repetition);
    let everybody = BucketSet::all();
    let experiment = format!("families {affected} {repetition}");
    let bootstrap =
        Bootstrap { experiment: &experiment, replicates: REPLICATES, level: LEVEL, reference: Reference::T };
    let family = Family { design, sums: &sums, everybody: &everybody };
    let estimates = family.estimates();
    let p_value = |estimate: &Result<Estimate, NotEstimable>| estimate.expect("an estimate").p_value(Reference::T);
    let raw: Vec<f64> = estimates.iter().map(p_value).collect();
    let is_true = |cohort: usize| design.against == Against::Rest || cohort >= affected;
    let adjusted = |correction: Correction| Rejected::of(&correction.adjust(&raw), is_true);
    let [single, step_down] = if bootstraps {
        let corrected = family.bootstrapped(&bootstrap);
        let of = |p_value: fn(&Simultaneous) -> f64| {
            let p_values = corrected.iter().map(|found| found.as_ref().map_or(1.0, p_value));
            Rejected::of(&p_values.collect::<Vec<_>>(), is_true)
        };
        [of(|found| found.p_adjusted), of(|found| found.p_step_down)]
    } else {
        [Rejected::default(); 2]
    };
    let holm = adjusted(Correction::Holm);
    Counts([
        adjusted(Correction::Bonferroni).any(),
        holm.any(),
        adjusted(Correction::BenjaminiHochberg).proportion(),
        adjusted(Correction::BenjaminiYekutieli).proportion(),
        single.any(),
        step_down.any(),
        holm.found as i64,
    ])
}

/// What a correction rejects.
#[derive(Clone, Copy, Default)]
struct Rejected {
    /// True hypotheses.
    falsely: usize,
    /// False ones.
    found: usize,
}

impl Rejected {
    fn of(p_values: &[f64], is_true: impl Fn(usize) -> bool) -> Self {
        let mut rejected = Self::default();
        for (cohort, _) in p_values.iter().enumerate().filter(|(_, p_value)| **p_value < 1.0 - LEVEL) {
            if is_true(cohort) { rejected.falsely += 1 } else { rejected.found += 1 }
        }
        rejected
    }

    fn any(self) -> i64 {
        i64::from(self.falsely > 0)
    }

    /// The share of what is rejected that is true, in millionths.
    fn proportion(self) -> i64 {
        (MILLION * self.falsely as f64 / (self.falsely + self.found).max(1) as f64).round() as i64
    }
}

/// By correction, what came of experiments; the last one is affected cohorts that Holm finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts([i64; 7]);

impl Counts {
    fn of(numbers: &[i64]) -> Self {
        Self(numbers.try_into().expect("a number for each correction"))
    }
}

const MEAN: Design = Design::new(Metric::Mean, 1_000, 2, 0.4);

#[test]
fn corrections_keep_their_error_rates() {
    let counts = [0, 1, 4, 7].map(|affected| {
        let design = Design { units: 200, gain: 0.9, ..MEAN };
        Counts::of(&sum(0..60, |repetition| tried(design, affected, repetition, true).0.to_vec()))
    });
    let expected = [
        [0, 0, 0, 0, 0, 0, 0],
        [2, 4, 2_833_334, 1_000_000, 2, 3, 60],
        [3, 6, 2_999_999, 1_333_333, 3, 6, 240],
        [1, 1, 125_000, 125_000, 1, 1, 420],
    ];
    assert_eq!(counts, expected.map(Counts), "at most 8 of 60 each, and of millionths 8,200,000");
}

#[test]
fn corrections_keep_their_error_rates_for_ratios_and_adjusted_means() {
    let counts = [Metric::Ratio, Metric::Adjusted].map(|metric| {
        let design = Design { metric, units: 300, ..MEAN };
        Counts::of(&sum(0..30, |repetition| tried(design, 0, repetition, true).0.to_vec()))
    });
    let expected = [[2, 2, 2_000_000, 1_000_000, 2, 2, 0], [1, 1, 1_000_000, 0, 1, 1, 0]];
    assert_eq!(counts, expected.map(Counts), "at most 5 of 30 each");
}

/// Designs with the numbers of affected cohorts that are tried, and how often without and with the bootstrap.
fn plan() -> Vec<(Design, &'static [usize], u64, u64)> {
    const PARTIAL: &[usize] = &[0, 1, 4, 7];
    let rest = Design { against: Against::Rest, ..MEAN };
    vec![
        (Design { units: 200, gain: 0.9, ..MEAN }, PARTIAL, 10_000, 2_000),
        (MEAN, PARTIAL, 10_000, 2_000),
        (Design::new(Metric::Mean, 1_000, 10, 0.65), PARTIAL, 10_000, 2_000),
        (Design::new(Metric::Spend, 8_000, 2, 2.0), PARTIAL, 5_000, 1_000),
        (Design::new(Metric::Ratio, 1_000, 2, 0.1), PARTIAL, 10_000, 500),
        (Design::new(Metric::Adjusted, 1_000, 2, 0.4), PARTIAL, 10_000, 500),
        (rest, &[0, COHORTS], 10_000, 2_000),
    ]
}

#[test]
#[ignore = "up to 10,000 experiments of each of 26 kinds, of which up to 2,000 are bootstrapped"]
fn corrections_keep_their_error_rates_in_10_000_experiments() {
    let mut table = String::from(HEAD);
    let mut faults = Vec::new();
    for (design, kinds, repetitions, bootstrapped) in plan() {
        let (repetitions, bootstrapped) = (asked(repetitions), asked(bootstrapped));
        for affected in kinds {
            let name = format!("families {design:?} {affected}");
            let once = |bootstraps| move |repetition| tried(design, *affected, repetition, bootstraps).0.to_vec();
            let plain = Counts::of(&resumed(&name, repetitions, once(false)));
            let with = Counts::of(&resumed(&format!("{name} bootstrapped"), bootstrapped, once(true)));
            let asks_of_the_rest = design.against == Against::Rest;
            let row = Row { affected: *affected, asks_of_the_rest, plain, repetitions, with, bootstrapped };
            writeln!(table, "| {} {}", design.words(), row.words()).expect("a string");
            faults.extend(row.exceeds().then(|| format!("{} {affected}", design.words())));
        }
    }
    write("families", ABOUT, &table);
    assert!(faults.is_empty(), "{faults:?}\n{table}");
}

/// What came of one kind of experiments, without the bootstrap and with it.
struct Row {
    affected: usize,
    /// Whether cohorts are held against the rest, of which none differs.
    asks_of_the_rest: bool,
    plain: Counts,
    repetitions: u64,
    with: Counts,
    bootstrapped: u64,
}

impl Row {
    fn rates(&self) -> [f64; 6] {
        let [bonferroni, holm, hochberg, yekutieli, ..] = self.plain.0;
        let [.., single, step_down, _] = self.with.0;
        let (all, million) = (self.repetitions as f64, self.repetitions as f64 * MILLION);
        let bootstrapped = self.bootstrapped as f64;
        [
            bonferroni as f64 / all,
            holm as f64 / all,
            hochberg as f64 / million,
            yekutieli as f64 / million,
            single as f64 / bootstrapped,
            step_down as f64 / bootstrapped,
        ]
    }

    fn most(&self) -> [f64; 2] {
        [self.repetitions, self.bootstrapped].map(|all| bound(all as usize) as f64 / all as f64)
    }

    fn exceeds(&self) -> bool {
        let [most, most_bootstrapped] = self.most();
        let [plain @ .., single, step_down] = self.rates();
        plain.iter().any(|rate| *rate > most) || single.max(step_down) > most_bootstrapped
    }

    fn words(&self) -> String {
        let rates: Vec<String> = self.rates().map(share).into();
        let [most, most_bootstrapped] = self.most().map(share);
        let Self { affected, repetitions, bootstrapped, .. } = self;
        let affected_hypotheses = if self.asks_of_the_rest { 0 } else { affected * *repetitions as usize };
        let found = match affected_hypotheses {
            0 => "–".to_owned(),
            all => share(self.plain.0[6] as f64 / all as f64),
        };
        let [bonferroni, holm, hochberg, yekutieli, single, step_down] = rates.as_slice() else { return String::new() };
        format!(
            "| {affected} | {repetitions} | {bonferroni} | {holm} | {hochberg} | {yekutieli} | {most} | {bootstrapped} | {single} | {step_down} | {most_bootstrapped} | {found} |"
        )
    }
}

const HEAD: &str = "\
| metric | units of a cohort | treated | against | affected of 8 | experiments | Bonferroni | Holm | BH | BY | at most | bootstrapped | max-t | Romano-Wolf | at most | affected that Holm finds |
|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

const ABOUT: &str = "\
# Error rates of corrections

Eight cohorts that are named beforehand, two arms; of so many cohorts the treatment adds six standard errors or so to the metric, in the
others it does nothing. *Bonferroni*, *Holm*, *max-t* and *Romano-Wolf*: experiments in which any true hypothesis is rejected at 5 %.
*BH* and *BY* (Benjamini and Hochberg, Benjamini and Yekutieli): the share of what is rejected that is true, on average. The bootstrap
has 399 replicates. *At most* is 5 % and 3.1 binomial standard errors of so many experiments. Against the rest, the treatment adds the same
to nobody or to all, so that every hypothesis is true.";
