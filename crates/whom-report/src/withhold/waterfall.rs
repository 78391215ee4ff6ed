//! Steps of the waterfall whose numbers tell of too few rows or units.

use super::SmallestCell;
use super::checks::counts_in;
use super::summary::Counted;
use crate::waterfall::WaterfallStep;

/// The steps without numbers that are too small, or so near another that is shown that the difference is.
///
/// Later steps are kept before earlier ones, and what was analysed, which every result tells, before all.
pub(super) fn withheld(
    cell: SmallestCell,
    mut steps: Vec<WaterfallStep>,
    analysed: u64,
    counted: &mut Counted,
) -> Vec<WaterfallStep> {
    let mut shown = Shown { cell, numbers: vec![0, analysed] };
    for step in steps.iter_mut().rev() {
        let before = step.kept.zip(step.dropped).map(|(kept, dropped)| kept + dropped);
        let kept = step.kept.filter(|kept| shown.takes(*kept));
        let dropped = step.dropped.filter(|dropped| {
            *dropped == 0
                || (kept.is_some() && !cell.hides(*dropped) && before.is_some_and(|before| shown.takes(before)))
        });
        let is_withheld = (kept, dropped) != (step.kept, step.dropped);
        if is_withheld || counts_in(&step.reason).any(|count| cell.hides(count)) {
            step.reason = format!("withheld: fewer than {}", cell.0);
            counted.steps += 1;
        }
        (step.kept, step.dropped) = (kept, dropped);
    }
    steps
}

/// Numbers that may be shown beside each other.
struct Shown {
    cell: SmallestCell,
    numbers: Vec<u64>,
}

impl Shown {
    /// Takes a number in, unless it tells of too few beside one of the others.
    fn takes(&mut self, number: u64) -> bool {
        let takes = !self.numbers.iter().any(|other| self.cell.hides_between(number, *other));
        if takes {
            self.numbers.push(number);
        }
        takes
    }
}
