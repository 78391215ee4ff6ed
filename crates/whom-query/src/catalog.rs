//! The tables of a plan: listed once, pinned, and opened.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use futures::future::BoxFuture;
use whom_engine::{Engine, EngineError, PinnedTable};
use whom_spec::plan::{Gaps, Partition, Plan, Snapshot, TagKind, TagTable, VariantSource};
use whom_spec::{Diagnostic, SourceMap, Span, Spanned};
use whom_store::{ErrorKind, InputEntry, Location, PartitionDays, PinnedFiles, StoreError, Stores};

use crate::cache::{Cache, SourceDays, TableReads};
use crate::days::{self, DayRange};
use crate::error::QueryError;
use crate::missing_days::MissingDays;

/// The name of the split in SQL and in messages.
pub const SPLIT: &str = "split";

/// How the names of tag tables begin in SQL.
const TAGS: &str = "tags ";

/// A pinned source of a plan.
#[derive(Debug)]
pub struct Source {
    /// The name by which SQL knows it: `split`, or a prefix and the name in the pipeline file.
    pub table: String,
    /// What it is called in messages.
    owner: String,
    /// Where the pipeline file says where it lies.
    path: Span,
    /// The column of the day in its folders' names, if it lies in such folders.
    pub partition: Option<String>,
    /// The pinned listing.
    pub listing: PinnedFiles,
    /// The files and their schema.
    pub pinned: Arc<PinnedTable>,
    /// Its days in the cache, if it has days and there is a cache.
    pub(crate) days: Option<SourceDays>,
}

impl Source {
    /// The table that statements read: the days in the cache, once they all are there, and otherwise the files themselves.
    pub fn scanned(&self) -> Arc<PinnedTable> {
        let cached = self.days.as_ref().and_then(|days| days.cached.as_ref());
        Arc::clone(cached.map_or(&self.pinned, |cached| &cached.table))
    }
}

impl Source {
    /// Whether it is a tag table.
    pub(crate) fn is_of_tags(&self) -> bool {
        self.table.starts_with(TAGS)
    }
}

/// Every source of a plan, by its name in SQL.
#[derive(Debug)]
pub struct Catalog {
    sources: BTreeMap<String, Source>,
}

/// What is opened for a source.
struct Wanted<'a> {
    table: String,
    /// What it is called in messages.
    owner: String,
    path: &'a Spanned<String>,
    partition: Option<&'a Partition>,
    gaps: Gaps,
    days: Option<DayRange>,
    /// Columns of texts of which few differ, and that no expression of the pipeline file reads.
    words: Vec<String>,
}

impl Wanted<'_> {
    fn missing<'a>(&'a self, days: &'a [NaiveDate], found: Option<&'a str>) -> MissingDays<'a> {
        let Self { owner, path, partition, gaps, days: needed, .. } = self;
        MissingDays { owner, path, partition: *partition, needed: *needed, days, gaps: *gaps, found }
    }
}

impl Catalog {
    /// Lists, pins and opens every source of a plan; a relative location starts from the folder of the file it stands in.
    ///
    /// # Errors
    /// [`QueryError::MissingDays`] naming every day that is not there, [`QueryError::Plan`] for a location that points
    /// to nothing, and what the store or a footer refuses.
    pub fn open<'a>(
        plan: &'a Plan,
        texts: &'a SourceMap,
        stores: &'a Stores,
    ) -> BoxFuture<'a, Result<Self, QueryError>> {
        Self::open_with(plan, texts, stores, None)
    }

    /// As [`Self::open`]; of days that a cache knows, no footer is read.
    ///
    /// # Errors
    /// As [`Self::open`], and what the cache's store refuses.
    pub fn open_with<'a>(
        plan: &'a Plan,
        texts: &'a SourceMap,
        stores: &'a Stores,
        cache: Option<&'a Cache>,
    ) -> BoxFuture<'a, Result<Self, QueryError>> {
        Box::pin(async move {
            let mut missing = Vec::new();
            let mut listed = Vec::new();
            for wanted in sources_of(plan) {
                let location = Location::input(wanted.path, texts.folder(wanted.path.span))
                    .map_err(|error| at(wanted.path, &error))?;
                match list(stores, &location, &wanted).await {
                    Ok(listing) => {
                        if wanted.gaps == Gaps::Refused && !listing.missing_days.is_empty() {
                            missing.push(wanted.missing(&listing.missing_days, None).diagnostic(plan));
                        }
                        listed.push((wanted, listing));
                    }
                    Err(StoreError::NothingFound { missing_days, found, .. }) if !missing_days.is_empty() => {
                        missing.push(wanted.missing(&missing_days, Some(&found)).diagnostic(plan));
                    }
                    Err(error) => return Err(located(wanted.path, &location, error)),
                }
            }
            if !missing.is_empty() {
                return Err(QueryError::MissingDays(missing));
            }
            let mut sources = BTreeMap::new();
            for (wanted, listing) in listed {
                let source = open_source(&wanted, listing, cache).await?;
                sources.insert(wanted.table, source);
            }
            Ok(Self { sources })
        })
    }

    /// Makes every source known to a session.
    ///
    /// # Errors
    /// [`QueryError::Engine`] if one is known already.
    pub fn register(&self, engine: &Engine) -> Result<(), QueryError> {
        self.sources().try_for_each(|source| Ok(engine.add_pinned(&source.table, source.scanned())?))
    }

    /// The sources in alphabetical order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }

    pub(crate) fn sources_mut(&mut self) -> impl Iterator<Item = &mut Source> {
        self.sources.values_mut()
    }

    /// What was read of each table so far, from where it lies and from the cache.
    pub fn reads(&self) -> Vec<TableReads> {
        self.sources().map(TableReads::of).collect()
    }

    /// Every file that is read, for the manifest.
    pub fn inputs(&self) -> Vec<InputEntry> {
        self.sources().flat_map(|source| InputEntry::of_table(&source.table, &source.listing)).collect()
    }

    /// Checks that no file changed since it was listed.
    ///
    /// # Errors
    /// [`StoreError::InputChanged`] naming the file.
    pub fn verify_unchanged(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            for source in self.sources() {
                source.listing.verify_unchanged().await?;
            }
            Ok(())
        })
    }

    /// The source of a name in SQL.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if there is none.
    pub fn source(&self, table: &str) -> Result<&Source, QueryError> {
        self.sources.get(table).ok_or_else(|| QueryError::Internal(format!("table `{table}` was not opened")))
    }

    /// Rows that cannot be read, by a statement that reads the table `table`.
    pub(crate) fn unreadable(&self, table: Option<&str>, problem: String, fix: String) -> QueryError {
        let Some(source) = table.and_then(|table| self.sources.get(table)) else {
            return EngineError::Input { problem, fix }.into();
        };
        let files = match &*source.listing.files {
            [file] => format!("the file is `{}`", source.listing.address(&file.path)),
            files => format!("it is one of {} files in `{}`", files.len(), source.listing.location.whole()),
        };
        unreadable(&source.owner, source.path, &problem).note(files).hint(fix).into()
    }

    /// The columns of a source.
    pub(crate) fn schema(&self, table: &str) -> Result<SchemaRef, QueryError> {
        Ok(self.source(table)?.pinned.schema())
    }
}

/// The name of a fact table in SQL.
pub(crate) fn fact_table(name: &str) -> String {
    format!("fact {name}")
}

/// The name of a tag table in SQL.
pub(crate) fn tag_table(name: &str) -> String {
    format!("{TAGS}{name}")
}

fn sources_of(plan: &Plan) -> Vec<Wanted<'_>> {
    let split = &plan.split;
    let mut sources = vec![Wanted {
        table: SPLIT.to_owned(),
        owner: owner_of_split(plan),
        path: &split.path,
        partition: split.partition.as_ref(),
        gaps: split.gaps,
        days: days::of_split(plan),
        words: variant_words(plan),
    }];
    let used = plan.facts.iter().filter(|fact| plan.measures().iter().any(|measure| *measure.from == fact.name));
    sources.extend(used.map(|fact| Wanted {
        table: fact_table(&fact.name),
        owner: format!("fact table `{}`", fact.name.value),
        path: &fact.path,
        partition: fact.partition.as_ref(),
        gaps: fact.gaps,
        days: days::of_fact(plan, fact),
        words: Vec::new(),
    }));
    sources.extend(plan.tags.iter().map(|table| Wanted {
        table: tag_table(&table.name),
        owner: format!("tag table `{}`", table.name.value),
        path: &table.path,
        partition: match &table.snapshot {
            Snapshot::Dated { partition, .. } => Some(partition),
            Snapshot::Static => None,
        },
        gaps: table.gaps,
        days: days::of_tags(plan, table),
        words: tag_words(plan, table),
    }));
    sources
}

/// What the table of exposures is called in messages: the split, or the fact table whose rows stand for exposures.
pub(crate) fn owner_of_split(plan: &Plan) -> String {
    match &plan.split.variant {
        VariantSource::Column(_) => "the split".to_owned(),
        VariantSource::Hash { rows_of } => format!("fact table `{rows_of}`"),
    }
}

/// The column of variants. Where the split's condition may read it, too, it stays what the condition was checked against.
fn variant_words(plan: &Plan) -> Vec<String> {
    let Some(Spanned { value: variant, .. }) = plan.split.variant.column() else { return Vec::new() };
    let is_read = plan.split.filter.as_ref().is_some_and(|filter| filter.value.contains(variant));
    if is_read || *variant == plan.unit.value { Vec::new() } else { vec![variant.clone()] }
}

/// The categorical tags.
fn tag_words(plan: &Plan, table: &TagTable) -> Vec<String> {
    let categorical = table.columns.iter().filter(|tag| matches!(tag.kind, TagKind::Categorical { .. }));
    categorical.map(|tag| tag.name.value.clone()).filter(|name| *name != plan.unit.value).collect()
}

async fn list(stores: &Stores, location: &Location, wanted: &Wanted<'_>) -> Result<PinnedFiles, StoreError> {
    let days = wanted.partition.zip(wanted.days).map(|(partition, days)| PartitionDays {
        column: partition.column.value.clone(),
        first: days.first,
        last: days.last,
    });
    PinnedFiles::list(stores, location, days.as_ref()).await
}

async fn open_source(wanted: &Wanted<'_>, listing: PinnedFiles, cache: Option<&Cache>) -> Result<Source, QueryError> {
    let partition = wanted.partition.map(|partition| partition.column.as_str());
    let days = match cache.zip(partition) {
        Some((cache, partition)) => Some(SourceDays::look_up(cache, &listing, partition).await?),
        None => None,
    };
    let known = cache.zip(days.as_ref()).map(|(cache, days)| cache.known(days)).unwrap_or_default();
    let opened = PinnedTable::open_knowing(&wanted.table, &listing, partition, &known).await;
    let pinned = opened.map_err(|error| match error {
        EngineError::Input { problem, fix } => unreadable(&wanted.owner, wanted.path.span, &problem).hint(fix).into(),
        other => QueryError::from(other),
    })?;
    if let Some((cache, days)) = cache.zip(days.as_ref()) {
        cache.remember(days, &pinned);
    }
    let (table, owner, path) = (wanted.table.clone(), wanted.owner.clone(), wanted.path.span);
    let partition = partition.map(str::to_owned);
    let pinned = Arc::new(pinned.with_words(wanted.words.iter().cloned()));
    Ok(Source { table, owner, path, partition, listing, pinned, days })
}

/// A file that cannot be read, told at the table that it belongs to.
fn unreadable(owner: &str, path: Span, problem: &str) -> Diagnostic {
    Diagnostic::error(format!("{owner}: {problem}")).at(path)
}

fn at(path: &Spanned<String>, error: &StoreError) -> QueryError {
    Diagnostic::error(error.to_string()).at(path.span).into()
}

/// A store's refusal of a declared location points into the file; other failures stay what they are.
fn located(path: &Spanned<String>, location: &Location, error: StoreError) -> QueryError {
    match (&error, error.kind()) {
        (StoreError::LocationNotFound { .. }, _) => {
            let looked = format!("looked for `{}`", location.whole());
            let missing = Diagnostic::error(error.to_string()).at(path.span).note(looked);
            missing.hint("a relative path starts from the folder of the file that it stands in").into()
        }
        (_, ErrorKind::Configuration) => at(path, &error),
        _ => error.into(),
    }
}

/// A column of a source by name, or a message that points to where it was named.
pub(crate) fn column<'a>(schema: &'a Schema, name: &Spanned<String>, owner: &str) -> Result<&'a DataType, Diagnostic> {
    schema.field_with_name(name).map(Field::data_type).map_err(|_| {
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        Diagnostic::error(format!("there is no column `{}` in {owner}", name.value))
            .at(name.span)
            .label("named here")
            .hint_if(whom_spec::name_hint(name, columns))
    })
}
