//! Tags whose levels have units of one variant only, as if households or schools had been assigned.

use whom_spec::plan::Validate;
use whom_stats::{Check, Tested, TestedPart, WholeLevels};

use super::TagsByArm;
use crate::bins::{BinKind, TagBins};

/// What to do about a tag whose levels are each in one variant.
const ASSIGNED: &str = "if the levels were assigned as a whole, as households and schools are, put the tag into the split and name that \
     column in `cluster`: their units are not independent, and effects would look surer than they are; if not, the tag was written \
     after assignment, so take it out";

/// The least part of a tag's levels that are in one variant only where they were assigned as a whole; a few units may have strayed.
const LEAST_WHOLE: f64 = 0.9;

/// Levels for each arm that a tag must have, so that one that holds the variant itself is not taken for who was assigned.
const LEVELS_AN_ARM: u64 = 3;

impl TagsByArm<'_> {
    /// Refuses tags whose levels seem to have been assigned as a whole; `None` if there are none. Only levels with codes of their
    /// own are looked at.
    pub(in crate::checks) fn assigned_as_a_whole(&self, levels: &Validate) -> Option<Check> {
        let parts = self.bins.iter().zip(self.counted).filter_map(|(bins, counted)| {
            let units = counted.by_code_and_arm();
            let found = WholeLevels::of(units.get(..own_codes(bins)?)?).ok()?;
            let is_told = found.share() >= LEAST_WHOLE && found.levels >= LEVELS_AN_ARM * self.arms.len() as u64;
            is_told.then(|| TestedPart {
                subject: bins.name.clone(),
                tested: Some(Tested { statistic: None, p_value: found.p_value }),
                detail: format!(
                    "{} of {} levels with several units are in one variant only",
                    found.whole, found.levels
                ),
            })
        });
        let check = Check::of_parts("assigned by themselves", "tags", parts.collect(), levels.balance_p);
        check.refuses().then(|| check.with_fix(ASSIGNED))
    }
}

/// How many codes stand for one level each; `None` of numbers that share codes.
fn own_codes(bins: &TagBins) -> Option<usize> {
    match &bins.kind {
        BinKind::Numeric { edges, exact } => exact.then_some(edges.len()),
        BinKind::Categorical { levels, .. } => Some(levels.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judged_whole, units};
    use super::*;

    #[test]
    fn couples_that_were_assigned_together_are_refused_and_the_fix_is_a_cluster() {
        // Twenty couples in each arm, each with a name.
        let names: Vec<String> = (0..40).map(|couple| format!("couple {couple}")).collect();
        let check = judged_whole(units(40, |arm, unit| names[usize::from(arm) * 20 + unit / 2].as_str())).unwrap();
        assert!(check.refuses(), "{check:?}");
        let detail =
            "1 tags; smallest corrected p-value: `age`, 40 of 40 levels with several units are in one variant only";
        assert_eq!((check.detail.as_str(), check.fix.as_deref()), (detail, Some(ASSIGNED)));
    }

    #[test]
    fn one_in_ten_may_have_strayed_and_more_may_not() {
        let names: Vec<String> = (0..40).map(|school| format!("school {school}")).collect();
        let strayed = |every: usize| {
            judged_whole(units(400, |arm, unit| {
                let other = usize::from(arm == 0) * usize::from(unit % (20 * every) == 1);
                names[(usize::from(arm) ^ other) * 20 + unit / 20].as_str()
            }))
        };
        assert!(strayed(20).is_some_and(|check| check.refuses()));
        assert_eq!(strayed(2), None);
    }

    #[test]
    fn a_tag_that_holds_the_variant_is_not_taken_for_who_was_assigned() {
        assert_eq!(judged_whole(units(100, |arm, _| if arm == 0 { "old" } else { "new" })), None);
    }

    #[test]
    fn levels_of_both_variants_and_levels_of_one_unit_say_nothing() {
        assert_eq!(judged_whole(units(300, |_, unit| ["a", "b", "c", "d", "e", "f", "g", "h"][unit % 8])), None);
        let names: Vec<String> = (0..40).map(|user| format!("user {user}")).collect();
        assert_eq!(judged_whole(units(20, |arm, unit| names[usize::from(arm) * 20 + unit].as_str())), None);
    }
}
