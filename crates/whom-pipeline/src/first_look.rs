//! The first look: the effects in every level of every tag, over all units, and what the tags do to them.

mod counting;
mod levels;
mod ranking;

use whom_engine::EngineError;
use whom_query::{Among, TagBins};
use whom_report::{EffectRow, Evidence, Family, Fold, RuleCondition, TagLevel, TagRanking, TagTable};
use whom_spec::plan::Role;
use whom_stats::{Alternative, ArmSums, ArmTable, ColumnHistogram, PooledProducts};

use crate::clustered::Clustered;
use crate::comparison::Comparison;
use crate::estimation::Estimation;
use crate::rows::{Draft, Subject};
use crate::study::{Question, Study};

use counting::by_code;
use levels::{Level, levels};

/// The one-tag tables of all tags, protected ones included.
pub(crate) struct FirstLook {
    tags: Vec<CountedTag>,
    /// By tag, the sums of clusters in its levels, in their order; nothing where units were assigned by themselves.
    clusters: Vec<Clustered>,
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
    /// By stratum: one where all units are comparable.
    strata: Vec<ArmSums>,
}

impl FirstLook {
    /// Counts all units by every code of every tag, and puts codes together to levels. Where units were assigned by cluster it looks
    /// once more for each tag, and sums clusters in its levels.
    pub(crate) async fn count(study: &Study<'_>) -> Result<Self, EngineError> {
        let bins = &study.units.bins;
        let (mut tags, mut levels) = (Vec::with_capacity(bins.len()), Vec::with_capacity(bins.len()));
        for columns in counting::passes(study) {
            for (column, histogram) in columns.clone().zip(by_code(study, columns).await?) {
                let found = levels_of(&bins[column], &histogram);
                tags.push(CountedTag::new(study, &bins[column], (&found, &histogram)));
                levels.push(found);
            }
        }
        if let Some(products) = counting::products(study, &levels).await? {
            for (tag, products) in tags.iter_mut().zip(&products) {
                let levels = tag.levels.iter_mut().enumerate();
                levels.for_each(|(place, level)| level.take(products, place));
            }
        }
        let mut clusters = Vec::new();
        for (column, levels) in levels.iter().enumerate() {
            let levels = counting::routing(column, levels);
            clusters.extend(Clustered::of_leaves(study, &levels, &[Fold::All]).await?);
        }
        Ok(Self { tags, clusters })
    }

    /// Effect and lift in every level, on every primary metric: members of the exploratory family, in the order in which
    /// [`FirstLook::tables`] takes them back.
    pub(crate) fn drafts(&self, study: &Study<'_>) -> Vec<Draft> {
        let estimations: Vec<Estimation<'_>> =
            primary(study).map(|question| self.estimation(study, question)).collect();
        let of_level = |tag: usize, place: usize, level: &CountedLevel| {
            let (evidence, family) = (Evidence::Exploratory, Family::Exploratory);
            let draft = |estimation: &Estimation<'_>| {
                let question = estimation.question;
                let alternative = Alternative::TwoSided;
                let subject = Subject { study, question, cohort: &level.name, evidence, family, alternative };
                let found = Comparison::of_strata(&level.strata, estimation);
                let found = match self.clusters.get(tag) {
                    Some(clusters) => clusters.compare(found, Among::Leaf(place), estimation),
                    None => found,
                };
                [subject.effect(&found), subject.lift(&found)]
            };
            estimations.iter().flat_map(draft).collect::<Vec<_>>()
        };
        let tags = self.tags.iter().enumerate();
        let levels =
            tags.flat_map(|(tag, of)| of.levels.iter().enumerate().map(move |(place, level)| (tag, place, level)));
        levels.flat_map(|(tag, place, level)| of_level(tag, place, level)).collect()
    }

    /// The tables, with the rows of [`FirstLook::drafts`] once they are corrected.
    pub(crate) fn tables(&self, study: &Study<'_>, rows: Vec<EffectRow>) -> Vec<TagTable> {
        let (everybody, per_level) = (study.units.tally.units(), 2 * primary(study).count());
        let mut rows = rows.into_iter();
        let mut view = |level: &CountedLevel| TagLevel {
            name: level.name.clone(),
            condition: level.condition.clone(),
            units: Some(level.units()),
            share: Some(level.units() as f64 / everybody as f64),
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
        let counted = (self.tags.as_slice(), self.clusters.as_slice());
        let ranking = |question| ranking::ranking(study, &self.estimation(study, question), counted);
        primary(study).map(ranking).collect()
    }

    /// How a question is estimated, with the coefficients of everybody for levels that are too small for their own.
    fn estimation<'s>(&self, study: &Study<'s>, question: Question) -> Estimation<'s> {
        let estimation = study.estimation(question);
        let Some(tag) = self.tags.first().filter(|_| estimation.outcome.is_adjusted()) else {
            return estimation;
        };
        let everybody = tag.everybody();
        let parent = everybody.and_then(|everybody| Comparison::of(&everybody, &estimation).coefficients());
        Estimation { parent, ..estimation }
    }
}

/// The levels of a tag, given its units by code.
fn levels_of(bins: &TagBins, histogram: &ColumnHistogram) -> Vec<Level> {
    let units: Vec<u64> = histogram.cells().map(|cell| cell.units.iter().sum()).collect();
    levels(bins, &units)
}

impl CountedLevel {
    /// Its units, of all strata.
    fn units(&self) -> u64 {
        self.strata.iter().map(|stratum| stratum.table.total_units()).sum()
    }

    /// Takes the cross-products of the level at a place, whose cells are its strata.
    fn take(&mut self, products: &PooledProducts, place: usize) {
        let first = place * self.strata.len();
        self.strata.iter_mut().zip(first..).for_each(|(stratum, cell)| stratum.products = products.of(cell));
    }
}

impl CountedTag {
    fn new(study: &Study<'_>, bins: &TagBins, (levels, histogram): (&[Level], &ColumnHistogram)) -> Self {
        let cells: Vec<_> = histogram.cells().collect();
        let (arms, strata) = (study.plan.split.variants.len(), study.strata());
        let counted = levels.iter().zip(1..).map(|(level, number): (_, usize)| {
            let mut table = ArmTable::new(arms * strata, study.grids.len());
            level.codes.iter().filter_map(|code| cells.get(usize::from(code))).for_each(|cell| table.add(*cell));
            CountedLevel {
                name: format!("{}.{number}", bins.name),
                condition: level.condition(bins),
                strata: by_stratum(&table, strata),
            }
        });
        let protected = study.plan.tag(&bins.name).is_some_and(|(_, tag)| tag.protected);
        Self { name: bins.name.clone(), protected, levels: counted.collect() }
    }

    /// All units: the levels leave none out.
    fn everybody(&self) -> Option<ArmSums> {
        let mut parts = self.levels.iter().flat_map(|level| &level.strata);
        let mut sum = parts.next()?.clone();
        parts.for_each(|part| sum.add(part));
        Some(sum)
    }
}

/// The arms of each stratum, which stand in turn.
fn by_stratum(table: &ArmTable, strata: usize) -> Vec<ArmSums> {
    let (arms, cells) = (table.units.len() / strata, table.moments.len() / strata);
    let of = |stratum: usize| ArmTable {
        units: table.units[stratum * arms..(stratum + 1) * arms].to_vec(),
        moments: table.moments[stratum * cells..(stratum + 1) * cells].to_vec(),
    };
    (0..strata).map(|stratum| ArmSums { table: of(stratum), products: Vec::new() }).collect()
}

/// The questions of the first look: every treatment on every primary metric. Every further row would raise the price of all
/// others in the exploratory family.
fn primary<'a>(study: &'a Study<'_>) -> impl Iterator<Item = Question> + 'a {
    study.questions().filter(|question| study.metric(question.metric).role == Role::Primary)
}

#[cfg(test)]
mod tests;
