//! Where the effect is the same for all, heterogeneity is detected no more often than the level says.
//!
//! The outcome depends on what the tags tell, the effect does not: it is 0, or half a standard deviation of the noise.

use std::fmt::Write as _;

use whom_forest::Controls;
use whom_stats::{ColumnShape, Grid};

use super::draws::Draws;
use super::repeated::{asked, resumed, sum};
use super::results::{bound, percent, write};
use super::trial::{Trial, Units};

/// Twenty tags: codes, whether they are ordered, the hidden factor that they mirror if any, and whether some miss it.
const TAGS: [Tag; 20] = [
    tag(256, true, Some(0)),
    tag(64, true, Some(0)),
    tag(16, true, Some(0)),
    tag(256, true, Some(1)),
    tag(64, true, Some(1)),
    tag(16, true, Some(1)),
    tag(256, true, Some(2)),
    tag(64, true, Some(2)),
    tag(16, true, Some(2)),
    tag(8, false, Some(0)),
    tag(5, false, Some(1)),
    tag(12, false, Some(2)),
    tag(256, true, None),
    tag(100, true, None),
    tag(2, true, None),
    tag(10, false, None),
    tag(40, false, None),
    tag(3, false, None),
    Tag { has_missing: true, ..tag(50, true, Some(0)) },
    Tag { has_missing: true, ..tag(50, true, None) },
];

/// How a tag is drawn.
#[derive(Clone, Copy)]
struct Tag {
    codes: usize,
    ordered: bool,
    factor: Option<usize>,
    has_missing: bool,
}

const fn tag(codes: usize, ordered: bool, factor: Option<usize>) -> Tag {
    Tag { codes, ordered, factor, has_missing: false }
}

impl Tag {
    fn shape(self, place: usize) -> ColumnShape {
        let missing = self.has_missing.then_some(self.codes as u16);
        let codes = self.codes + usize::from(self.has_missing);
        ColumnShape { name: format!("tag {place:02}"), codes, ordered: self.ordered, missing }
    }

    /// Every tenth unit misses a tag that can be missed; else four units in five show the factor, if there is one.
    fn draw(self, factors: [f64; 3], draws: &mut Draws) -> u8 {
        if self.has_missing && draws.below(10) == 0 {
            return self.codes as u8;
        }
        let shown = self.factor.filter(|_| draws.below(5) != 0).map(|factor| factors[factor]);
        (shown.unwrap_or_else(|| draws.uniform()) * self.codes as f64) as u8
    }
}

/// Experiments with the same effect for every unit.
#[derive(Clone, Copy, Debug)]
struct Null {
    units: usize,
    effect: f64,
}

impl Null {
    fn trial(self, repetition: u64) -> Trial {
        let experiment = format!("null {} {} {repetition}", self.units, self.effect);
        let mut draws = Draws::new(&experiment);
        let tags = TAGS.iter().enumerate().map(|(place, tag)| (tag.shape(place), Vec::with_capacity(self.units)));
        let mut units = Units { arms: Vec::new(), outcomes: Vec::new(), tags: tags.collect() };
        for _ in 0..self.units {
            let factors = [draws.uniform(), draws.uniform(), draws.uniform()];
            let arm = draws.arm();
            let baseline = 2.0 * factors[0] + factors[1];
            units.outcomes.push(baseline + f64::from(arm) * self.effect + draws.normal());
            units.arms.push(arm);
            units.tags.iter_mut().zip(TAGS).for_each(|((_, column), tag)| column.push(tag.draw(factors, &mut draws)));
        }
        Trial::new(experiment, repetition, units, Grid::FLOAT)
    }

    /// What is said of an experiment, in the order of [`Counts`].
    fn tried(self, repetition: u64) -> Vec<i64> {
        let controls = Controls { units_per_arm: 50, events_per_arm: 0, ..Controls::default() };
        let trial = self.trial(repetition);
        let analysis = trial.analyse(&controls);
        let (is_open, is_different) = (analysis.gate_opens(), analysis.different() > 0);
        let said = [is_open, analysis.cohorts().len() > 1, is_different, is_open && is_different];
        said.map(i64::from).to_vec()
    }
}

/// Experiments by what was said of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// The global test detected heterogeneity.
    detected: usize,
    /// Pruning left two cohorts or more.
    partitioned: usize,
    /// The contrast of a cohort passed.
    different: usize,
    /// The contrast of a cohort passed and the gate was open: the report calls it different.
    claimed: usize,
}

impl Counts {
    fn of(numbers: &[i64]) -> Self {
        let [detected, partitioned, different, claimed] = numbers else { panic!("{numbers:?}") };
        let [detected, partitioned, different, claimed] =
            [detected, partitioned, different, claimed].map(|count| *count as usize);
        Self { detected, partitioned, different, claimed }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            detected: self.detected + other.detected,
            partitioned: self.partitioned + other.partitioned,
            different: self.different + other.different,
            claimed: self.claimed + other.claimed,
        }
    }
}

#[test]
fn a_constant_effect_is_rarely_taken_for_heterogeneity() {
    let detected = |null: Null| Counts::of(&sum(0..20, |repetition| null.tried(repetition))).detected;
    let count = |units| [0.0, 0.5].map(|effect| detected(Null { units, effect }));
    assert_eq!([2_000, 8_000, 32_000].map(count), [[0, 3], [1, 3], [0, 1]], "of 20 each");
}

#[test]
#[ignore = "10,000 experiments of each of three sizes"]
fn a_constant_effect_is_taken_for_heterogeneity_at_most_567_times_in_10_000() {
    let rows: Vec<Row> = [2_000, 8_000, 32_000].into_iter().flat_map(rows_of_size).collect();
    let table = table(&rows);
    for Row { counts, repetitions, .. } in rows {
        let most = bound(repetitions);
        assert!(counts.detected <= most && counts.different <= most, "at most {most}\n{table}");
    }
    write("null", ABOUT, &table);
}

const ABOUT: &str = "\
# Where the effect is the same for all

Experiments of two arms whose outcome depends on what twenty tags tell, and whose effect does not: it is 0, or half a standard
deviation of the noise. Many tags are correlated, some are categorical, some are missed by units. Trees have three levels,
at least 50 units an arm in a leaf, and are pruned by five folds. *At most* is 5 % and 3.1 binomial standard errors: the
limit for heterogeneity detected, and for a contrast that passes, whether or not the gate is open.";

/// Experiments of one kind, counted.
struct Row {
    units: usize,
    effect: &'static str,
    repetitions: usize,
    counts: Counts,
}

/// Without an effect, with one, and both together.
fn rows_of_size(units: usize) -> [Row; 3] {
    let repetitions = asked(5_000);
    let row = |effect, times, counts| Row { units, effect, repetitions: times * repetitions as usize, counts };
    let repeated =
        |null: Null| Counts::of(&resumed(&format!("{null:?}"), repetitions, |repetition| null.tried(repetition)));
    let [without, with] = [0.0, 0.5].map(|effect| repeated(Null { units, effect }));
    [row("0", 1, without), row("0.5", 1, with), row("both", 2, without.plus(with))]
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| units | effect | experiments | heterogeneity detected | at most | a contrast passes | a cohort is called different | two cohorts or more |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Row { units, effect, repetitions, counts } in rows {
        let shown = |count| format!("{count} ({})", percent(count, *repetitions));
        let (detected, different) = (shown(counts.detected), shown(counts.different));
        let (claimed, partitioned) = (shown(counts.claimed), shown(counts.partitioned));
        let most = bound(*repetitions);
        writeln!(
            table,
            "| {units} | {effect} | {repetitions} | {detected} | {most} | {different} | {claimed} | {partitioned} |"
        )
        .expect("a string");
    }
    table
}
