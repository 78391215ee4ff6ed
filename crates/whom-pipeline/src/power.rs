//! What the measuring fold could have shown, and what a confirming test needs.

use whom_query::Among;
use whom_report::{ConfirmingTest, DetectableDifference, Fold};
use whom_spec::plan::Matters;
use whom_stats::{COHORT_SHARES, CellSums, Detection, Reference};

use crate::clustered::Clustered;
use crate::cohorts::MeasuredCohorts;
use crate::comparison::Comparison;
use crate::study::{Question, Study};

/// The power that detectable differences and confirming tests are stated for.
const POWER: f64 = 0.8;

/// The difference between a cohort and the rest that the measuring fold could have shown, by question and share; by cluster as if a
/// cohort were made of whole clusters.
pub(crate) fn detectable_differences(
    study: &Study<'_>,
    questions: &[Question],
    everybody: &CellSums,
    measuring: Option<&Clustered>,
) -> Vec<DetectableDifference> {
    let detection = Detection { level: study.plan.validate.level, power: POWER };
    let mut rows = Vec::new();
    for question in questions {
        let average = study.compare(everybody, Fold::Measure, *question);
        let average = match measuring {
            Some(clusters) => clusters.compare(average, Among::Everybody, &study.estimation(*question)),
            None => average,
        };
        for share in COHORT_SHARES {
            let difference =
                average.effect.as_ref().ok().map(|average| detection.difference(&average.difference, share).difference);
            rows.push(DetectableDifference {
                variant: study.variant(question.treatment).to_owned(),
                metric: study.metric(question.metric).name.value.clone(),
                share,
                power: POWER,
                difference,
            });
        }
    }
    rows
}

/// The experiments that would confirm the cohorts on some questions: sized for the smallest effect that matters, never for
/// the one seen.
pub(crate) fn confirming_tests(cohorts: &MeasuredCohorts<'_>, questions: &[Question]) -> Vec<ConfirmingTest> {
    let study = cohorts.study;
    let mut tests = Vec::new();
    for question in questions {
        let metric = study.metric(question.metric);
        let Some(matters) = metric.matters.as_ref().map(|matters| **matters) else { continue };
        for (name, contrast) in cohorts.contrasts(*question) {
            let needed = size(matters, &contrast.cohort, study.plan.validate.level);
            let Some((detects, units_per_arm)) = needed else { continue };
            tests.push(ConfirmingTest {
                cohort: name.to_owned(),
                variant: study.variant(question.treatment).to_owned(),
                metric: metric.name.value.clone(),
                detects,
                power: POWER,
                units_per_arm,
            });
        }
    }
    tests
}

/// Units per arm for a two-sided test of an effect that matters: (z of the level + z of the power)^2 (v1 + v0) / d^2, where v is
/// the variance that a unit gives to its arm's value.
fn size(matters: Matters, comparison: &Comparison, level: f64) -> Option<(f64, u64)> {
    let effect = comparison.effect.as_ref().ok()?;
    let detects = match matters {
        Matters::Absolute(amount) => amount.abs(),
        Matters::Relative(share) => (share * effect.values.control).abs(),
    };
    let [treatment, control] = effect.variances();
    let variance = treatment * comparison.treatment.units as f64 + control * comparison.control.units as f64;
    let normal = |level| Reference::Normal.critical_value(level, f64::INFINITY);
    let errors = normal(level) + normal(2.0 * POWER - 1.0);
    let units = errors * errors * variance / (detects * detects);
    (detects > 0.0 && units.is_finite() && units > 0.0).then(|| (detects, units.ceil() as u64))
}

#[cfg(test)]
mod tests {
    use whom_stats::{ArmSums, ArmTable, Grid};

    use super::*;
    use crate::estimation::Estimation;
    use crate::fixture::MEAN;

    /// Arms that have these values.
    fn arms(treatment: &[i64], control: &[i64]) -> Comparison {
        let mut table = ArmTable::new(2, 1);
        for (arm, values) in [control, treatment].into_iter().enumerate() {
            for value in values {
                table.moments[arm].push(*value);
            }
        }
        let question = Question { treatment: 1, metric: 0 };
        let estimation = Estimation { question, outcome: &MEAN, grid: Grid::INTEGER, grids: Vec::new(), parent: None };
        Comparison::of(&ArmSums { table, products: Vec::new() }, &estimation)
    }

    #[test]
    fn a_confirming_test_is_sized_by_the_textbook() {
        // Variance 1 in both arms, difference 0.1, level 95 %, power 80 %: (1.959964 + 0.841621)^2 * 2 / 0.01 = 1569.8
        let found = arms(&[10, 11, 12], &[9, 10, 11]);
        assert_eq!(size(Matters::Absolute(0.1), &found, 0.95), Some((0.1, 1570)));
        assert_eq!(size(Matters::Absolute(-0.1), &found, 0.95), Some((0.1, 1570)));
        // 1 % of the control's mean of 10 is the same.
        assert_eq!(size(Matters::Relative(0.01), &found, 0.95), Some((0.1, 1570)));
    }

    #[test]
    fn nothing_to_detect_needs_no_test() {
        let found = arms(&[-1, 0, 1, 3], &[-1, 0, 1]);
        assert_eq!(size(Matters::Relative(0.01), &found, 0.95), None, "a share of zero is zero");
        assert_eq!(size(Matters::Absolute(0.0), &found, 0.95), None);
    }
}
