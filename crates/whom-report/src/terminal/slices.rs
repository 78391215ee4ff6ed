//! Over weeks and slices: what is unstable, and the averages by week.

use super::palette::Palette;
use super::table::Table;
use super::{headed, marked};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::results::Results;
use crate::sliced::{SliceRow, SlicedBy, SlicedEffect};
use crate::verdict::{between, unsteady, who};

/// Unstable effects that are told before the rest is counted.
const TOLD: usize = 6;

/// Effects whose slices are shown before the rest is counted.
const EFFECTS_SHOWN: usize = 4;

/// Slices that are shown of each.
const SLICES_SHOWN: usize = 13;

/// What the tests of stability found; nothing where there is one week and no slice.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let rows = &results.slices;
    let tested = rows.iter().filter(|row| row.p_value.is_some()).count();
    let unstable: Vec<&SlicedEffect> = rows.iter().filter(|row| row.is_unstable()).collect();
    let head = match (rows.is_empty(), tested) {
        (true, _) => return None,
        (_, 0) => "nothing to compare: see slices.parquet".to_owned(),
        _ => format!("{} of {} tests find a change; exploratory, F3", unstable.len(), number::count(tested as u64)),
    };
    let mut lines = vec![headed("OVER WEEKS AND SLICES", &head, palette)];
    let told = unstable.iter().filter_map(|row| Some(marked(&palette.doubtful("!"), &told(results, row)?)));
    lines.extend(told.take(TOLD));
    if unstable.len() > TOLD {
        lines.push(marked(" ", &format!("… and {} more in slices.parquet", unstable.len() - TOLD)));
    }
    lines.extend(table(results));
    Some(lines.join("\n"))
}

fn told(results: &Results, row: &SlicedEffect) -> Option<String> {
    Some(format!("{}: {}", who(&row.cohort), unsteady(results, row)?))
}

/// The averages on primary metrics by week, and by what else they are unstable over.
fn table(results: &Results) -> Option<String> {
    let mut table = Table::new(["", "control, n", "treated, n", "effect", "interval"], false);
    let shown = |row: &&SlicedEffect| row.is_of_average() && (row.sliced_by == SlicedBy::Week || row.is_unstable());
    let rows: Vec<&SlicedEffect> = results.slices.iter().filter(shown).collect();
    for row in rows.iter().take(EFFECTS_SHOWN) {
        let metric = results.metric(&row.metric)?;
        let scale = Scale::of_effects(metric);
        let scale = if metric.proportion { scale } else { scale.without_unit() };
        let (variant, name) = (label::name(&row.variant), label::name(&row.metric));
        table.heading(format!("{variant} on {name}, {}", between(&row.sliced_by)));
        row.slices.iter().take(SLICES_SHOWN).for_each(|slice| table.cells(cells(&scale, slice)));
        if row.slices.len() > SLICES_SHOWN {
            table.heading(format!("  … and {} more in slices.parquet", row.slices.len() - SLICES_SHOWN));
        }
    }
    if rows.len() > EFFECTS_SHOWN {
        table.heading(format!("… and {} more effects in slices.parquet", rows.len() - EFFECTS_SHOWN));
    }
    (!rows.is_empty()).then(|| table.text())
}

fn cells(scale: &Scale, slice: &SliceRow) -> [String; 5] {
    let decimals = scale.decimals(slice.interval);
    let mark = if slice.unreliable.is_some() { " !" } else { "" };
    [
        format!("  {}{mark}", label::plain(&slice.slice)),
        number::count_or_none(slice.n_control),
        number::count_or_none(slice.n_variant),
        slice.estimate.map_or(NO_NUMBER.to_owned(), |estimate| scale.signed(estimate, decimals)),
        slice.interval.map_or(NO_NUMBER.to_owned(), |interval| scale.bounds(interval)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::terminal::Colour;

    #[test]
    fn what_changes_is_told_and_the_weeks_of_the_averages_are_shown() {
        insta::assert_snapshot!(section(&fixture::sliced(), Palette::new(Colour::Never)).unwrap());
    }

    #[test]
    fn one_week_and_no_slice_are_not_mentioned() {
        assert_eq!(section(&fixture::hillstrom(), Palette::new(Colour::Never)), None);
    }
}
