//! The first look: the effects in every level of every tag, over all units, and what the tags do to them.

mod counting;
mod levels;
mod ranking;

use whom_engine::EngineError;
use whom_query::TagBins;
use whom_report::{EffectRow, Evidence, Family, RuleCondition, TagLevel, TagRanking, TagTable};
use whom_spec::plan::Role;
use whom_stats::{ArmTable, ColumnHistogram};

use crate::comparison::Comparison;
use crate::rows::{Draft, Subject};
use crate::study::{Question, Study};

use counting::by_code;
use levels::levels;

/// The one-tag tables of all tags, protected ones included.
pub(crate) struct FirstLook {
    tags: Vec<CountedTag>,
}

/// A tag in the order of the columns, with the units of each of its levels.
struct CountedTag {
    name: String,
    protected: bool,
    levels: Vec<CountedLevel>,
}

struct CountedLevel {
    /// Unique among the levels of all tags: the number behind the last dot is the level's.
    name: String,
    condition: RuleCondition,
    units: ArmTable,
}

impl FirstLook {
    /// Counts all units once, by every code of every tag, and puts codes together to levels.
    pub(crate) async fn count(study: &Study<'_>) -> Result<Self, EngineError> {
        let bins = &study.units.bins;
        let mut tags = Vec::with_capacity(bins.len());
        for columns in counting::passes(study) {
            for (column, histogram) in columns.clone().zip(by_code(study, columns).await?) {
                tags.push(CountedTag::new(study, &bins[column], &histogram));
            }
        }
        Ok(Self { tags })
    }

    /// Effect and lift in every level, on every primary metric: members of the exploratory family, in the order in which
    /// [`FirstLook::tables`] takes them back.
    pub(crate) fn drafts(&self, study: &Study<'_>) -> Vec<Draft> {
        let questions: Vec<Question> = primary(study).collect();
        let of_level = |level: &CountedLevel| {
            let (evidence, family) = (Evidence::Exploratory, Family::Exploratory);
            let draft = |question: &Question| {
                let subject = Subject { study, question: *question, cohort: &level.name, evidence, family };
                let found = level.compare(study, *question);
                [subject.effect(&found), subject.lift(&found)]
            };
            questions.iter().flat_map(draft).collect::<Vec<_>>()
        };
        self.levels().flat_map(of_level).collect()
    }

    /// The tables, with the rows of [`FirstLook::drafts`] once they are corrected.
    pub(crate) fn tables(&self, study: &Study<'_>, rows: Vec<EffectRow>) -> Vec<TagTable> {
        let (everybody, per_level) = (study.units.tally.units(), 2 * primary(study).count());
        let mut rows = rows.into_iter();
        let mut view = |level: &CountedLevel| TagLevel {
            name: level.name.clone(),
            condition: level.condition.clone(),
            units: level.units.total_units(),
            share: level.units.total_units() as f64 / everybody as f64,
            effects: rows.by_ref().take(per_level).collect(),
        };
        let tables = self.tags.iter().map(|tag| TagTable {
            tag: tag.name.clone(),
            protected: tag.protected,
            levels: tag.levels.iter().map(&mut view).collect(),
        });
        tables.collect()
    }

    /// The tags by how much they change each effect.
    pub(crate) fn rankings(&self, study: &Study<'_>) -> Vec<TagRanking> {
        primary(study).map(|question| ranking::ranking(study, question, &self.tags)).collect()
    }

    fn levels(&self) -> impl Iterator<Item = &CountedLevel> {
        self.tags.iter().flat_map(|tag| &tag.levels)
    }
}

impl CountedTag {
    fn new(study: &Study<'_>, bins: &TagBins, histogram: &ColumnHistogram) -> Self {
        let cells: Vec<_> = histogram.cells().collect();
        let units: Vec<u64> = cells.iter().map(|cell| cell.units.iter().sum()).collect();
        let counted = levels(bins, &units).into_iter().zip(1..).map(|(level, number): (_, usize)| {
            let mut table = ArmTable::new(study.plan.split.variants.len(), study.plan.metrics.len());
            level.codes.iter().filter_map(|code| cells.get(usize::from(code))).for_each(|cell| table.add(*cell));
            CountedLevel { name: format!("{}.{number}", bins.name), condition: level.condition(bins), units: table }
        });
        let protected = study.plan.tag(&bins.name).is_some_and(|(_, tag)| tag.protected);
        Self { name: bins.name.clone(), protected, levels: counted.collect() }
    }
}

impl CountedLevel {
    fn compare(&self, study: &Study<'_>, question: Question) -> Comparison {
        Comparison::of(&self.units, question, study.grids[question.metric])
    }
}

/// The questions of the first look: every treatment on every primary metric. Every further row would raise the price of all
/// others in the exploratory family.
fn primary<'a>(study: &'a Study<'_>) -> impl Iterator<Item = Question> + 'a {
    study.questions().filter(|question| study.metric(question.metric).role == Role::Primary)
}

#[cfg(test)]
mod tests;
