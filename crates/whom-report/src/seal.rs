//! Whether a run kept to the plan that was sealed before it.

use serde::{Deserialize, Serialize};

use crate::label;
use crate::word::words;

words! {
    /// How a run stands to the registered plans of its experiment.
    pub enum SealStanding {
        /// Its plan was registered before the first exposure, the last one to be so.
        Kept = "kept",
        /// Another plan was.
        Changed = "changed",
        /// Plans were registered, but none before the first exposure.
        Late = "late",
    }
}

/// How a run stands to the registered plans of its experiment, without anything about when and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// In a word.
    pub standing: SealStanding,
    /// Where the run's plan differs from the registered one.
    pub differences: Vec<PlanDifference>,
}

/// One place in which two plans differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDifference {
    /// The place, such as `metrics.revenue.window`.
    pub place: String,
    /// What was registered there; `None` if there was nothing.
    pub registered: Option<String>,
    /// What the run did; `None` if there is nothing.
    pub run: Option<String>,
}

/// Differences that a sentence names; the others are counted, and all are in `result.json`.
const DIFFERENCES_TOLD: usize = 3;

impl Seal {
    /// Whether what the plan declares is sealed evidence.
    pub fn is_kept(&self) -> bool {
        self.standing == SealStanding::Kept
    }

    /// What it means, in a sentence.
    pub fn sentence(&self) -> String {
        match self.standing {
            SealStanding::Kept => {
                "The plan was registered before the first exposure, and this run kept to it: what it declares is sealed \
                 evidence."
                    .to_owned()
            }
            SealStanding::Changed => format!(
                "This run did not keep to the plan that was registered before the first exposure, so nothing here is \
                 sealed: {}.",
                self.differences_in_words()
            ),
            SealStanding::Late if self.differences.is_empty() => {
                "The plan was registered, but after the first exposure, so nothing here is sealed.".to_owned()
            }
            SealStanding::Late => format!(
                "A plan was registered after the first exposure, and this run did not keep to it either: {}.",
                self.differences_in_words()
            ),
        }
    }

    fn differences_in_words(&self) -> String {
        let told: Vec<String> = self.differences.iter().take(DIFFERENCES_TOLD).map(PlanDifference::in_words).collect();
        let more = self.differences.len() - told.len();
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        told.join("; ") + &more
    }
}

impl PlanDifference {
    fn in_words(&self) -> String {
        let place = label::plain(&self.place);
        match (&self.registered, &self.run) {
            (Some(registered), Some(run)) => {
                format!("`{place}` was {}, and is {}", label::plain(registered), label::plain(run))
            }
            (Some(_), None) => format!("`{place}` was left out"),
            (None, _) => format!("`{place}` was added"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(place: &str, registered: Option<&str>, run: Option<&str>) -> PlanDifference {
        let text = |value: Option<&str>| value.map(str::to_owned);
        PlanDifference { place: place.to_owned(), registered: text(registered), run: text(run) }
    }

    #[test]
    fn every_standing_has_its_sentence() {
        let differences = vec![
            difference("metrics.revenue.window", Some("14d"), Some("7d")),
            difference("metrics.visits", None, Some("{…}")),
            difference("cohorts.new_mobile", Some("{…}"), None),
            difference("validate.level", Some("0.95"), Some("0.9")),
            difference("discover.tree.depth", Some("3"), Some("4")),
        ];
        let sentence =
            |standing, differences: &[PlanDifference]| Seal { standing, differences: differences.to_vec() }.sentence();
        let sentences = [
            sentence(SealStanding::Kept, &[]),
            sentence(SealStanding::Changed, &differences),
            sentence(SealStanding::Late, &[]),
            sentence(SealStanding::Late, &differences[..1]),
        ];
        insta::assert_snapshot!(sentences.join("\n"), @r"
        The plan was registered before the first exposure, and this run kept to it: what it declares is sealed evidence.
        This run did not keep to the plan that was registered before the first exposure, so nothing here is sealed: `metrics.revenue.window` was 14d, and is 7d; `metrics.visits` was added; `cohorts.new_mobile` was left out; and 2 more.
        The plan was registered, but after the first exposure, so nothing here is sealed.
        A plan was registered after the first exposure, and this run did not keep to it either: `metrics.revenue.window` was 14d, and is 7d.
        ");
    }

    #[test]
    fn only_a_plan_that_was_kept_is_sealed() {
        let kept = [SealStanding::Kept, SealStanding::Changed, SealStanding::Late]
            .map(|standing| Seal { standing, differences: Vec::new() }.is_kept());
        assert_eq!(kept, [true, false, false]);
    }
}
