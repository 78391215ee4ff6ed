//! How much leaves flatter themselves on the units that found them, beside what they say on the units that did not.
//!
//! The population is that of [`super::ranked`]: twelve tags, of which the first one moves the effect, or none does.

use std::fmt::Write as _;

use whom_forest::Controls;
use whom_stats::{Effect, Fold, Folds, Reference};

use super::ranked::Kind;
use super::repeated::{asked, resumed, sum};
use super::results::{share, thousands, write};
use super::trial::{LEVEL, target};

/// What estimates are counted in: parts of the noise's standard deviation.
const THOUSAND: f64 = 1e3;

/// A tree of three levels, as it grows.
fn controls() -> Controls {
    Controls { depth: 3, units_per_arm: 40, events_per_arm: 0, pruning_folds: 0, ..Controls::default() }
}

/// What leaves say on one half of the units.
#[derive(Clone, Copy, Default)]
struct Told {
    /// The highest and the lowest leaf's estimate less its truth, the sign turned for the lowest, in thousandths.
    excess: i64,
    /// Intervals of these two leaves that cover.
    extremes_covered: i64,
    /// Intervals of all leaves that cover.
    covered: i64,
}

impl Told {
    /// The estimates of leaves in the order of discovery, highest first, with their truths.
    fn of(leaves: &[(Effect, f64)]) -> Self {
        let covers = |(effect, truth): &(Effect, f64)| {
            i64::from(effect.difference.interval(LEVEL, Reference::T).contains(*truth))
        };
        let excess = |(effect, truth): &(Effect, f64)| (THOUSAND * (effect.difference.value - truth)).round() as i64;
        let (Some(highest), Some(lowest)) = (leaves.first(), leaves.last()) else { return Self::default() };
        Self {
            excess: excess(highest) - excess(lowest),
            extremes_covered: covers(highest) + covers(lowest),
            covered: leaves.iter().map(covers).sum(),
        }
    }

    fn numbers(self) -> [i64; 3] {
        [self.excess, self.extremes_covered, self.covered]
    }
}

/// Trees with leaves, their leaves, and what these say on the half that found them and on the other.
fn tried(kind: Kind, repetition: u64) -> Vec<i64> {
    let trial = kind.trial(repetition);
    let folds = Folds::hashed(&format!("optimism {repetition}"));
    let tree = trial.discover(&folds, &controls()).unpruned;
    let leaves = tree.leaves().len();
    if leaves < 2 {
        return vec![0; 8];
    }
    let (cells, truths, cohorts) = (trial.count(&tree), kind.truths(&tree), tree.cohorts());
    let on = |fold: Fold| {
        let measured = trial.measured(&cells, folds.buckets(fold));
        let told = cohorts
            .iter()
            .map(|cohort| (measured.effect(target(cohort.cell)).expect("an estimate"), truths[cohort.cell]));
        Told::of(&told.collect::<Vec<_>>()).numbers()
    };
    let head = [1, leaves as i64];
    [&head[..], &on(Fold::Discover), &on(Fold::Measure)].concat()
}

/// Of 40 experiments: trees with leaves, leaves; naive and honest, the excess of the extremes in thousandths, intervals of these that
/// cover, and of all leaves.
const EXPECTED: [[i64; 8]; 2] =
    [[40, 180, 37_344, 14, 107, 1_884, 74, 166], [40, 194, 26_928, 45, 139, -1_725, 74, 183]];

#[test]
fn leaves_flatter_themselves_and_honest_ones_do_not() {
    let kind = |slope| Kind { units: 1_200, slope, halvings: 0 };
    let counts = [0.0, 0.6].map(|slope| sum(0..40, |repetition| tried(kind(slope), repetition)));
    assert_eq!(counts, EXPECTED);
    for counts in counts {
        let [trees, leaves, naive, _, naive_covered, honest, _, honest_covered] = counts.as_slice() else {
            panic!("{counts:?}")
        };
        // A standard error of an honest extreme is about a fifth; of the mean of 40 of them and 40 others 0.02.
        let each = |excess: &i64| *excess as f64 / THOUSAND / (2 * trees) as f64;
        assert!(each(naive) > 0.2 && each(honest).abs() < 0.08, "{counts:?}");
        assert!(10 * naive_covered < 9 * leaves && 100 * honest_covered > 90 * leaves, "{counts:?}");
    }
}

#[test]
#[ignore = "2,000 experiments of each of 6 kinds"]
fn leaves_flatter_themselves_in_2_000_experiments() {
    let repetitions = asked(2_000);
    let mut table = String::from(HEAD);
    let mut faults = Vec::new();
    for (units, slope) in [1_200, 6_000].into_iter().flat_map(|units| [0.0, 0.3, 0.6].map(|slope| (units, slope))) {
        let kind = Kind { units, slope, halvings: 0 };
        let counts = resumed(&format!("optimism {kind:?}"), repetitions, |repetition| tried(kind, repetition));
        let [trees, leaves, told @ ..] = counts.as_slice() else { panic!("{counts:?}") };
        let halves: Vec<String> = told
            .chunks(3)
            .flat_map(|half| {
                let of = |count: i64, all: i64| share(count as f64 / all as f64);
                let excess = half[0] as f64 / THOUSAND / (2 * trees) as f64;
                [format!("{excess:+.3}"), of(half[1], 2 * trees), of(half[2], *leaves)]
            })
            .collect();
        let mean_leaves = *leaves as f64 / *trees as f64;
        writeln!(table, "| {units} | {slope} | {mean_leaves:.1} | {} |", halves.join(" | ")).expect("a string");
        let honest = told[5] as f64 / *leaves as f64;
        faults.extend((!(0.94..=0.96).contains(&honest)).then(|| format!("{units} {slope}: {honest}")));
    }
    write("optimism", &ABOUT.replace("REPETITIONS", &thousands(repetitions)), &table);
    assert!(faults.is_empty(), "{faults:?}\n{table}");
}

const HEAD: &str = "\
| units | effect at the ends of the tag | leaves | naive: extremes exceed the truth by | extremes cover | all cover | honest: extremes exceed the truth by | extremes cover | all cover |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

const ABOUT: &str = "\
# What leaves say of themselves

REPETITIONS experiments a row, of two arms and twelve tags of eight codes; the effect rises along the first tag from the negative of what
is shown to it, the noise has standard deviation 1. One half of the units grows a tree of three levels, without pruning. *Naive*: effects
of its leaves on the units that grew it, with their 95 % intervals; *honest*: on the other half, as the program measures them. The
extremes are the leaves with the highest and the lowest effect on the half that grew the tree; how far they exceed the truth is in
standard deviations of the noise, away from the middle. Honest intervals of all leaves have to cover in 94 to 96 %.";
