//! The search for cohorts.

use super::cursor::{Field, Fields};
use super::given_folds::given_folds;
use super::known::{Known, words};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{
    Codes, Criterion, DeclaredPartition, Discover, GivenFolds, Metric, Role, Tag, TagKind, TagTable, TreeControls,
};
use crate::spanned::Spanned;
use crate::suggest::name_hint;
use crate::tree::Value;

/// The most levels that 8-bit codes hold, beside `other` and missing.
const LEVELS_IN_A_BYTE: u16 = 254;

/// The most units that searches may be repeated on.
const MOST_REPEATED: u64 = 1_000_000_000;

/// The rest of the file, as far as the search refers to it. Metrics and tables are those that could be read.
pub(super) struct Searched<'a> {
    pub(super) known: &'a Known<'a>,
    pub(super) metrics: &'a [Metric],
    pub(super) tables: &'a [TagTable],
}

pub(super) fn discover(pipeline: &Fields<'_>, searched: &Searched<'_>) -> Discover {
    let field = pipeline.optional("discover");
    let fields = field.and_then(|field| field.mapping::<format::Discover>());
    let fields = fields.as_ref();
    let folds = fields.and_then(|fields| given_folds(&fields.optional("folds")?, searched.all_tags()));
    let tags = searched.tags(fields, folds.as_ref());
    let treatments = searched.treatments(fields);
    let metrics = searched.metrics(fields);
    let codes = searched.codes(fields, pipeline);
    let partition = fields
        .and_then(|fields| partition(&fields.optional("partition")?, &treatments, &metrics))
        .unwrap_or(DeclaredPartition::Joint);
    let tree = fields.and_then(|fields| tree(&fields.optional("tree")?)).unwrap_or_default();
    let whole = |key: &str, most, default| fields.map_or(default, |fields| fields.whole_or(key, 0..=most, default));
    let search_replicates = whole("search_replicates", 10_000, Discover::SEARCH_REPLICATES);
    let resplits = whole("resplits", 1_000, Discover::RESPLITS);
    let usual = Discover::REPEATED_UNITS;
    let repeated_units = fields.map_or(usual, |fields| fields.whole_or("repeated_units", 1..=MOST_REPEATED, usual));
    Discover { tags, treatments, metrics, codes, partition, tree, search_replicates, resplits, repeated_units, folds }
}

impl Searched<'_> {
    fn all_tags(&self) -> impl Iterator<Item = &Tag> + Clone {
        self.tables.iter().flat_map(|table| &table.columns)
    }

    /// The declared tags, or all; none of them protected or the one that holds the folds.
    fn tags(&self, fields: Option<&Fields<'_>>, folds: Option<&GivenFolds>) -> Vec<Spanned<String>> {
        let is_fold = |name: &Spanned<String>| folds.is_some_and(|folds| folds.column == *name);
        let Some(field) = fields.and_then(|fields| fields.optional("tags")) else {
            let free = self.all_tags().filter(|tag| !tag.protected && !is_fold(&tag.name));
            return free.map(|tag| tag.name.clone()).collect();
        };
        let names = references(&field, "tag", &self.known.tags);
        for name in &names {
            if self.all_tags().any(|tag| tag.protected && tag.name == *name) {
                let protected = format!("the tag `{name}` is protected, so trees cannot split on it");
                let hint = "leave it out; effects are reported by it all the same";
                field.report.push(Diagnostic::error(protected).at(name.span).hint(hint));
            }
            if is_fold(name) {
                let constant = format!("the tag `{name}` holds the folds, so trees cannot split on it");
                let hint = "leave it out of `tags`: it is the same for all units that discover";
                field.report.push(Diagnostic::error(constant).at(name.span).hint(hint));
            }
        }
        names
    }

    fn treatments(&self, fields: Option<&Fields<'_>>) -> Vec<Spanned<String>> {
        match fields.and_then(|fields| fields.optional("treatments")) {
            Some(field) => not_empty(&field, references(&field, "treatment", &self.known.treatments)),
            None => self.known.treatments.iter().map(|name| (*name).clone()).collect(),
        }
    }

    /// The declared metrics, all of them primary, or all that are.
    fn metrics(&self, fields: Option<&Fields<'_>>) -> Vec<Spanned<String>> {
        let primaries = || self.metrics.iter().filter(|metric| metric.role == Role::Primary);
        let Some(field) = fields.and_then(|fields| fields.optional("metrics")) else {
            return primaries().map(|metric| metric.name.clone()).collect();
        };
        let names = not_empty(&field, references(&field, "metric", &self.known.metrics));
        for name in &names {
            if self.metrics.iter().any(|metric| metric.name == *name && metric.role != Role::Primary) {
                let hint = name_hint(name, primaries().map(|metric| metric.name.as_str()));
                let other =
                    Diagnostic::error(format!("the metric `{name}` is not primary, so no tree is grown for it"));
                field.report.push(other.at(name.span).hint_if(hint));
            }
        }
        names
    }

    /// The width of codes, which must hold the levels of every categorical tag.
    fn codes(&self, fields: Option<&Fields<'_>>, pipeline: &Fields<'_>) -> Codes {
        let words = [("8", Codes::Bits8), ("16", Codes::Bits16)];
        let codes = fields.and_then(|fields| fields.optional("codes")?.choice(&words)).unwrap_or(Codes::Bits8);
        for tag in self.all_tags() {
            if let (Codes::Bits8, TagKind::Categorical { levels }) = (codes, tag.kind)
                && levels > LEVELS_IN_A_BYTE
            {
                let message =
                    format!("`{}`: 8-bit codes hold at most {LEVELS_IN_A_BYTE} levels, not {levels}", tag.name);
                let hint = "ask for fewer levels, or for `codes: 16` in `discover`";
                pipeline.report().push(Diagnostic::error(message).at(tag.name.span).hint(hint));
            }
        }
        codes
    }
}

/// A list of names that must exist, each of them once.
pub(super) fn references(field: &Field<'_>, kind: &str, valid: &[&Spanned<String>]) -> Vec<Spanned<String>> {
    let mut names: Vec<Spanned<String>> = Vec::new();
    for name in field.items().iter().filter_map(Field::text) {
        if let Some(first) = names.iter().find(|other| **other == name) {
            let repeated = Diagnostic::error(format!("`{}` lists `{name}` twice", field.path));
            field.report.push(repeated.at(name.span).related(first.span, "first here"));
        } else if !valid.contains(&&name) {
            let unknown = Diagnostic::error(format!("unknown {kind} `{name}`"));
            field.report.push(unknown.at(name.span).hint_if(name_hint(&name, words(valid))));
        }
        names.push(name);
    }
    names
}

/// The names, if the file lists any: a search for nothing is a mistake.
fn not_empty(field: &Field<'_>, names: Vec<Spanned<String>>) -> Vec<Spanned<String>> {
    if matches!(&field.node.value, Value::List(items) if items.is_empty()) {
        let empty = Diagnostic::error(format!("`{}` is empty: there is nothing to grow a tree for", field.path));
        field.report.push(empty.at(field.node.span).hint("name at least one, or leave the key out for all"));
    }
    names
}

/// `joint`, or the tree of a treatment and a metric for which trees are grown.
fn partition(
    field: &Field<'_>,
    treatments: &[Spanned<String>],
    metrics: &[Spanned<String>],
) -> Option<DeclaredPartition> {
    if field.is_scalar() {
        return field.choice(&[("joint", ())]).map(|()| DeclaredPartition::Joint);
    }
    let fields = field.mapping::<format::PartitionTree>()?;
    let treatment = one_of(&fields, "treatment", treatments);
    let metric = one_of(&fields, "metric", metrics);
    Some(DeclaredPartition::Tree { treatment: treatment?, metric: metric? })
}

fn one_of(fields: &Fields<'_>, key: &str, searched: &[Spanned<String>]) -> Option<Spanned<String>> {
    let name = fields.required_text(key)?;
    if !searched.contains(&name) {
        let message = format!("no tree is grown for the {key} `{name}`");
        let hint = name_hint(&name, searched.iter().map(|name| name.as_str()));
        fields.report().push(Diagnostic::error(message).at(name.span).hint_if(hint));
    }
    Some(name)
}

fn tree(field: &Field<'_>) -> Option<TreeControls> {
    let fields = field.mapping::<format::Tree>()?;
    let default = TreeControls::default();
    Some(TreeControls {
        criterion: fields.optional("criterion").and_then(|field| criterion(&field)).unwrap_or(default.criterion),
        depth: fields.whole_or("depth", 1..=16, default.depth),
        units: fields.whole_or("units", 0..=1_000_000_000, default.units),
        units_per_arm: fields.whole_or("units_per_arm", 2..=1_000_000_000, default.units_per_arm),
        events_per_arm: fields.whole_or("events_per_arm", 0..=1_000_000_000, default.events_per_arm),
        penalty: fields
            .optional("penalty")
            .and_then(|field| field.number_in("a number from 0 to 1", |penalty| (0.0..=1.0).contains(&penalty)))
            .map_or(default.penalty, |penalty| penalty.value),
        smallest_gain: fields
            .optional("smallest_gain")
            .and_then(|field| field.number_in("a number, 0 or more", |gain| gain >= 0.0))
            .map_or(default.smallest_gain, |gain| gain.value),
        pruning_folds: fields
            .optional("pruning_folds")
            .and_then(|f| pruning_folds(&f))
            .unwrap_or(default.pruning_folds),
    })
}

fn criterion(field: &Field<'_>) -> Option<Criterion> {
    field.choice(&[
        ("causal_mse", Criterion::CausalMse),
        ("transformed_outcome", Criterion::TransformedOutcome),
        ("raw_transformed_outcome", Criterion::RawTransformedOutcome),
    ])
}

/// None, or enough for a cross-validation; there are 512 buckets to fold.
fn pruning_folds(field: &Field<'_>) -> Option<u32> {
    let folds = *field.whole(0..=64)?;
    if folds == 1 {
        field.refuse(format!("`{}` must be 0 (no pruning) or 2 and more: one fold validates nothing", field.path));
        return None;
    }
    Some(folds)
}
