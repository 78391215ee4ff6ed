//! Planted cohorts in SQL.

use crate::description::{Cohort, Condition, Test};
use crate::population::Population;
use crate::steering::cut;
use crate::tag::{Table, TagColumn};

impl Population {
    /// The rule of a cohort in SQL over the tags before first exposure. A cohort that stands behind others excludes the
    /// units that both could take.
    pub(crate) fn rule_of(&self, place: usize) -> String {
        let cohorts = &self.warehouse.cohorts;
        let overlapping = (0..place).filter(|before| self.steering.overlap(*before, place));
        let excluded = overlapping.map(|before| format!("not ({})", self.conjunction(&cohorts[before])));
        std::iter::once(self.conjunction(&cohorts[place])).chain(excluded).collect::<Vec<_>>().join(" and ")
    }

    fn conjunction(&self, cohort: &Cohort) -> String {
        if cohort.conditions.is_empty() {
            return "true".to_owned();
        }
        cohort.conditions.iter().map(|condition| self.sql(condition)).collect::<Vec<_>>().join(" and ")
    }

    fn sql(&self, condition: &Condition) -> String {
        let tag = &condition.tag;
        match &condition.test {
            Test::Lowest(share) => match self.first_above(tag, *share) {
                Some(value) => format!("{tag} < {value}"),
                None => format!("{tag} is not null"),
            },
            Test::AllBut(share) => match self.first_above(tag, *share) {
                Some(value) => format!("{tag} >= {value}"),
                None => format!("{tag} is null"),
            },
            Test::OneOf(levels) => format!("{tag} in ({})", literals(levels)),
            Test::NoneOf(levels) => format!("{tag} not in ({})", literals(levels)),
        }
    }

    /// The smallest value of a numeric tag that does not belong to its lowest share.
    fn first_above(&self, tag: &str, share: f64) -> Option<f64> {
        let named = |column: &&TagColumn| column.name == tag;
        let column = self.tags.iter().find(named)?;
        let Table::Numbers { values, .. } = &column.table else { return None };
        values.get(cut(&column.table, share)?).copied()
    }
}

/// Levels are names, which need no escapes.
fn literals(levels: &[String]) -> String {
    levels.iter().map(|level| format!("'{level}'")).collect::<Vec<_>>().join(", ")
}
