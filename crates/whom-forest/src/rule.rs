//! The rule of a leaf: what a unit's tags must be to get there.

use serde::{Deserialize, Serialize};
use whom_stats::pass::ColumnShape;
use whom_stats::routing::{Code, CodeSet};

/// A conjunction of conditions, at most one per tag, in the order in which their tags are first asked for from the
/// root. No condition holds for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The conditions; all must hold. None means everybody.
    pub conditions: Vec<Condition>,
}

/// The codes of one tag that a rule admits. Codes that growth never saw are decided too, the missing one included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Index of the tag's column.
    pub column: usize,
    /// The tag's name.
    pub name: String,
    /// The admitted codes of the column: never all of them.
    pub admitted: CodeSet,
}

impl Rule {
    /// Adds one split of the path: only codes that `admits` accepts remain.
    pub(crate) fn narrow(&mut self, column: usize, shape: &ColumnShape, admits: impl Fn(Code) -> bool) {
        if let Some(known) = self.conditions.iter_mut().find(|condition| condition.column == column) {
            known.admitted = known.admitted.iter().filter(|code| admits(*code)).collect();
        } else {
            let admitted = (0..shape.codes).map(|code| code as Code).filter(|code| admits(*code)).collect();
            self.conditions.push(Condition { column, name: shape.name.clone(), admitted });
        }
    }
}
