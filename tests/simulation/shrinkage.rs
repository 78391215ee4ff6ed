//! Shrunken effects cover on average over cohorts, and are nearer to the truth than the measured ones.

use std::fmt::Write as _;

use whom_stats::{Estimate, Hierarchy, NotEstimable, Prior};

use super::draws::Draws;
use super::repeated::{asked, resumed, sum};
use super::results::{share, thousands, write};
use super::trial::LEVEL;

/// The scale of the prior.
const SCALE: f64 = 1.0;
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
            Self::OfThePrior => SCALE * draws.normal().abs(),
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
    /// Intervals that cover, and squared errors of shrunken and of measured effects in millionths.
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
        let found = Hierarchy::of(&measured, Prior::HalfNormal { scale: SCALE }, LEVEL).expect("cohorts");
        let (mut covered, mut shrunken_errors, mut errors) = (0, 0.0, 0.0);
        for ((truth, measured), shrunken) in truths.iter().zip(&measured).zip(&found.cohorts) {
            let (shrunken, measured) = (shrunken.expect("a cohort").effect, measured.expect("an estimate"));
            covered += i64::from(shrunken.interval.contains(*truth));
            shrunken_errors += (shrunken.mean - truth) * (shrunken.mean - truth);
            errors += (measured.value - truth) * (measured.value - truth);
        }
        vec![covered, (MILLION * shrunken_errors).round() as i64, (MILLION * errors).round() as i64]
    }

    fn found(self, sums: &[i64], repetitions: u64) -> (f64, f64) {
        let [covered, shrunken, measured] = sums else { panic!("{sums:?}") };
        let cohorts = self.cohorts as f64 * repetitions as f64;
        (*covered as f64 / cohorts, (*shrunken as f64 / *measured as f64).sqrt())
    }
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
    let (coverage, ratio) = kind.found(&sums, 40);
    assert_eq!(sums[0], 310, "of 320");
    assert!(coverage > 0.93 && ratio < 0.8, "{coverage} {ratio}");
}

#[test]
#[ignore = "500 experiments of each of 16 kinds"]
fn shrunken_effects_cover_on_average_and_are_nearer_in_500_experiments() {
    let repetitions = asked(500);
    let mut table = String::from(
        "| cohorts | true effects | intervals that cover | error beside that of measured effects |\n|--:|---|--:|--:|\n",
    );
    let mut faults = Vec::new();
    for kind in kinds() {
        let sums = resumed(&format!("shrinkage {kind:?}"), repetitions, |repetition| kind.tried(repetition));
        let (coverage, ratio) = kind.found(&sums, repetitions);
        let Kind { cohorts, population } = kind;
        writeln!(table, "| {cohorts} | {} | {} | {ratio:.3} |", population.words(), share(coverage)).expect("a string");
        // The model's own populations, as wide as its prior expects.
        let is_promised = matches!(population, Population::Normal { between } if between <= SCALE);
        faults.extend((is_promised && !(coverage >= 0.94 && ratio < 1.0)).then(|| format!("{kind:?}")));
    }
    write("shrinkage", &ABOUT.replace("REPETITIONS", &thousands(repetitions)), &table);
    assert!(faults.is_empty(), "{faults:?}\n{table}");
}

const ABOUT: &str = "\
# Shrunken effects

REPETITIONS experiments a row. Cohorts are measured with standard errors from 0.5 to 1.5 and drawn together by the normal-normal model; its prior of
the standard deviation between them is half-normal with scale 1. The 95 % intervals are promised to cover on average over
cohorts, where these are like draws from one population that is no wider than the prior expects (94 % or more); the other rows tell what
happens elsewhere. A posterior interval covers at its level on average over what the prior draws: in more where effects hardly scatter, in less
where they scatter by the whole scale in every experiment. The error is the root of the mean square.";
