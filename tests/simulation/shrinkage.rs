//! Shrunken effects cover on average over cohorts, and are nearer to the truth than the measured ones.

use std::array;
use std::fmt::Write as _;

use whom_stats::{Estimate, Hierarchy, NotEstimable, Prior};

use super::draws::Draws;
use super::repeated::{asked, resumed, sum};
use super::results::{share, thousands, write};
use super::trial::LEVEL;

/// The scale of the priors.
const SCALE: f64 = 1.0;
/// That of the product, and one that does not vanish at zero.
const PRIORS: [Prior; 2] = [Prior::Rayleigh { scale: SCALE }, Prior::HalfNormal { scale: SCALE }];
/// What squared errors are counted in.
const MILLION: f64 = 1e6;

/// How the true effects of cohorts lie.
#[derive(Clone, Copy, Debug)]
enum Population {
    /// Normal about a common mean.
    Normal {
        /// Their standard deviation.
        between: f64,
    },
    /// The same, with a standard deviation that the prior draws in every experiment.
    OfThePrior,
    /// Half of them affected, by as much.
    Halves(f64),
    /// One of them affected, by as much.
    Alone(f64),
}

/// Cohorts with standard errors from a half to one and a half.
#[derive(Clone, Copy, Debug)]
struct Kind {
    cohorts: usize,
    population: Population,
}

impl Population {
    fn words(self) -> String {
        match self {
            Self::Normal { between } => format!("normal, standard deviation {between}"),
            Self::OfThePrior => "normal, standard deviation drawn from the prior".to_owned(),
            Self::Halves(effect) => format!("half of them 0, half {effect}"),
            Self::Alone(effect) => format!("all 0 but one, {effect}"),
        }
    }

    /// The true effects of so many cohorts of an experiment.
    fn truths(self, cohorts: usize, draws: &mut Draws) -> Vec<f64> {
        let between = match self {
            Self::Normal { between } => between,
            Self::OfThePrior => SCALE * draws.normal().hypot(draws.normal()),
            Self::Halves(_) | Self::Alone(_) => 0.0,
        };
        let mut truth = |cohort: usize| match self {
            Self::Normal { .. } | Self::OfThePrior => 2.0 + between * draws.normal(),
            Self::Halves(effect) => effect * f64::from(u8::from(cohort.is_multiple_of(2))),
            Self::Alone(effect) => effect * f64::from(u8::from(cohort == 0)),
        };
        (0..cohorts).map(&mut truth).collect()
    }
}

impl Kind {
    /// Squared errors of measured effects, in millionths; and by prior the intervals that cover and the squared errors of shrunken effects.
    fn tried(self, repetition: u64) -> Vec<i64> {
        let mut draws = Draws::new(&format!("shrinkage {self:?} {repetition}"));
        let truths = self.population.truths(self.cohorts, &mut draws);
        let measured: Vec<Result<Estimate, NotEstimable>> = truths
            .iter()
            .map(|truth| {
                let std_err = 0.5 + draws.uniform();
                let value = truth + std_err * draws.normal();
                Ok(Estimate { value, std_err, degrees_of_freedom: f64::INFINITY })
            })
            .collect();
        let measured_ones = measured.iter().map(|effect| effect.expect("an estimate").value);
        let mut counts = vec![millionths(squared_errors(&truths, measured_ones))];
        for prior in PRIORS {
            let found = Hierarchy::of(&measured, prior, LEVEL).expect("cohorts");
            let effects = || found.cohorts.iter().map(|cohort| cohort.expect("a cohort").effect);
            let covered = truths.iter().zip(effects()).filter(|(truth, effect)| effect.interval.contains(**truth));
            counts.push(covered.count() as i64);
            counts.push(millionths(squared_errors(&truths, effects().map(|effect| effect.mean))));
        }
        counts
    }

    /// By prior the share of intervals that cover, and the root mean squared error of shrunken beside that of measured effects.
    fn found(self, sums: &[i64], repetitions: u64) -> [(f64, f64); PRIORS.len()] {
        let cohorts = self.cohorts as f64 * repetitions as f64;
        array::from_fn(|prior| {
            let [covered, shrunken] = [1, 2].map(|place| sums[2 * prior + place] as f64);
            (covered / cohorts, (shrunken / sums[0] as f64).sqrt())
        })
    }
}

fn squared_errors(truths: &[f64], found: impl Iterator<Item = f64>) -> f64 {
    truths.iter().zip(found).map(|(truth, found)| (found - truth) * (found - truth)).sum()
}

fn millionths(sum: f64) -> i64 {
    (MILLION * sum).round() as i64
}

const NORMAL: fn(f64) -> Population = |between| Population::Normal { between };

fn kinds() -> Vec<Kind> {
    let populations = [
        Population::OfThePrior,
        NORMAL(0.0),
        NORMAL(0.5),
        NORMAL(1.0),
        NORMAL(2.0),
        Population::Halves(2.0),
        Population::Alone(2.0),
        Population::Alone(4.0),
    ];
    let of = |cohorts| populations.map(|population| Kind { cohorts, population });
    of(4).into_iter().chain(of(12)).collect()
}

#[test]
fn shrunken_effects_cover_on_average_and_are_nearer() {
    let kind = Kind { cohorts: 8, population: NORMAL(0.5) };
    let sums = sum(0..40, |repetition| kind.tried(repetition));
    let [(coverage, ratio), _] = kind.found(&sums, 40);
    assert_eq!(sums[1], 314, "of 320");
    assert!(coverage > 0.93 && ratio < 0.8, "{coverage} {ratio}");
}

#[test]
#[ignore = "500 experiments of each of 16 kinds"]
fn shrunken_effects_cover_on_average_and_are_nearer_in_500_experiments() {
    let repetitions = asked(500);
    let mut table = String::from(
        "| cohorts | true effects | intervals that cover | error beside that of measured effects | half-normal: cover | error |\n|--:|---|--:|--:|--:|--:|\n",
    );
    let mut faults = Vec::new();
    for kind in kinds() {
        let sums = resumed(&format!("shrinkage {kind:?}"), repetitions, |repetition| kind.tried(repetition));
        let [(coverage, ratio), (of_half_normal, its_ratio)] = kind.found(&sums, repetitions);
        let Kind { cohorts, population } = kind;
        write!(table, "| {cohorts} | {} | {} | {ratio:.3} ", population.words(), share(coverage)).expect("a string");
        writeln!(table, "| {} | {its_ratio:.3} |", share(of_half_normal)).expect("a string");
        // The model's own populations, as wide as its prior expects.
        let is_promised = match population {
            Population::OfThePrior => true,
            Population::Normal { between } => between <= SCALE,
            Population::Halves(_) | Population::Alone(_) => false,
        };
        faults.extend((is_promised && !(coverage >= 0.94 && ratio < 1.0)).then(|| format!("{kind:?}")));
    }
    write("shrinkage", &ABOUT.replace("REPETITIONS", &thousands(repetitions)), &table);
    assert!(faults.is_empty(), "{faults:?}\n{table}");
}

const ABOUT: &str = "\
# Shrunken effects

REPETITIONS experiments a row. Cohorts are measured with standard errors from 0.5 to 1.5 and drawn together by the normal-normal model; its prior of
the standard deviation between them is Rayleigh's with scale 1. The 95 % intervals are promised to cover on average over
cohorts, where these are like draws from one population that is no wider than the prior's scale (94 % or more); the other rows tell what
happens elsewhere. The last two columns are those of a half-normal prior with the same scale, which does not vanish at zero: it draws effects
together that scatter by its scale, and covers them too seldom. The error is the root of the mean square.";
