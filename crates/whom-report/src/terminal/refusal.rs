//! Why a run was refused: the checks that ended it, and how far the rows had come.

use whom_stats::Check;

use super::palette::{Colour, Palette};
use super::{checks, headed, waterfall};
use crate::waterfall::WaterfallStep;

/// What is shown when blocking checks end a run: each with what was seen, where, and the fix. It ends with a line break.
pub fn refusal_text(checks: &[Check], steps: &[WaterfallStep], colour: Colour) -> String {
    let palette = Palette::new(colour);
    let refusing = checks.iter().filter(|check| check.refuses());
    let mut lines = vec![headed("REFUSED", "no effect was computed and nothing was published", palette)];
    lines.extend(checks::told(refusing, palette));
    let others: Vec<Check> = checks.iter().filter(|check| !check.refuses()).cloned().collect();
    let sections = [Some(lines.join("\n")), checks::section(&others, palette), waterfall::section(steps, palette)];
    let sections: Vec<String> = sections.into_iter().flatten().collect();
    sections.join("\n\n") + "\n"
}
