//! What was printed with the trial of internet testing (PLoS Medicine 2017) stands in a run's effects, to every digit.
//!
//! Printed are the linear models y ~ w * x with HC2 errors. With nothing but indicators of groups on the right they have a
//! mean for each group and arm, and HC2 of such a model is Welch's error: a coefficient of w is the effect in the base
//! group, one of w:x is the difference between two groups' effects. P-values are not compared: the printed ones refer to
//! the degrees of freedom of the whole model, those of a run to Welch's.

use crate::effects::Effect;
use crate::program::Baseline;
use crate::warehouse::Sample;

#[test]
fn the_average_effect_is_the_printed_one() {
    let row = found("all", "effect");
    assert_eq!([row.estimate, row.std_err].map(|number| printed(number, 5)), ["0.26516", "0.02180"]);
}

#[test]
fn the_model_by_gender_is_the_printed_one() {
    let (others, women) = (found("others", "effect"), found("women", "effect"));
    let female = women.mean_control.zip(others.mean_control).map(|(women, others)| women - others);
    let interaction = found("women", "contrast");
    let numbers =
        [others.mean_control, others.estimate, others.std_err, female, interaction.estimate, interaction.std_err];
    assert_eq!(
        numbers.map(|number| printed(number, 7)),
        ["0.2157434", "0.1789934", "0.0335429", "-0.0073224", "0.1467815", "0.0439771"]
    );
}

#[test]
fn the_model_by_age_is_the_printed_one() {
    let interactions = ["aged_20_to_24", "aged_25_to_30"].map(|group| difference("aged_16_to_19", group));
    let digits = interactions.map(|numbers| numbers.map(|number| printed(number, 8)));
    assert_eq!(digits, [["0.04351246", "0.05733158"], ["0.16857652", "0.05892980"]]);
}

/// How much more the effect is in a group than in the base group, and its standard error: no unit is in both.
fn difference(base: &str, group: &str) -> [Option<f64>; 2] {
    let (base, group) = (found(base, "effect"), found(group, "effect"));
    let estimate = group.estimate.zip(base.estimate).map(|(group, base)| group - base);
    let std_err = group.std_err.zip(base.std_err).map(|(group, base)| (group * group + base * base).sqrt());
    [estimate, std_err]
}

/// The row of the pipeline's only metric and variant.
fn found(cohort: &str, estimand: &str) -> Effect {
    let effects = Baseline::of(Sample::Esti).published.effects();
    let mut rows = effects.into_iter().filter(|row| row.cohort == cohort && row.estimand == estimand);
    rows.next().unwrap_or_else(|| panic!("no {estimand} of `{cohort}`"))
}

fn printed(number: Option<f64>, decimals: usize) -> String {
    number.map_or_else(|| "missing".to_owned(), |number| format!("{number:.decimals$}"))
}
