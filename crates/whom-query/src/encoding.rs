//! The second look at all units: tags become codes, metrics are packed, and everything that checks ask is counted.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use whom_engine::{KeptUnits, UnitKeeper};
use whom_stats::routing::Code;
use whom_stats::{CellSums, CodeColumn, Grouping, Layout, ProductGroup, UnitColumnParts, UnitColumns, cell_sums};

use crate::bins::{Encoder, Fitted};
use crate::error::QueryError;
use crate::strata::Strata;
use crate::tag_values::TagValues;
use crate::tally::{Counted, Tally};
use crate::unit_schema::UnitSchema;
use crate::unit_table::{UnitRows, UnitTable};
use crate::values::values;

/// How the units of a table are encoded.
pub(crate) struct Encoding<'a> {
    schema: &'a UnitSchema,
    tags: &'a [Fitted],
    encoders: Vec<Encoder>,
    groups: &'a [ProductGroup],
    layout: &'a Arc<Layout>,
    /// Whether all exposed units are counted by their first arm as well.
    by_first_exposure: bool,
    cancel: &'a AtomicBool,
}

/// What was counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) tally: Tally,
    /// All exposed units by their first arm, if that was asked for.
    pub(crate) by_first_exposure: Option<CellSums>,
}

impl<'a> Encoding<'a> {
    /// An encoding by fitted bins, and the products that are counted besides; whether all exposed
    /// units are counted by their first arm as well.
    pub(crate) fn new(
        schema: &'a UnitSchema,
        (tags, groups): (&'a [Fitted], &'a [ProductGroup]),
        by_first_exposure: bool,
        layout: &'a Arc<Layout>,
        cancel: &'a AtomicBool,
    ) -> Self {
        let encoders = tags.iter().map(|tag| Encoder::new(&tag.bins)).collect();
        Self { schema, tags, encoders, groups, layout, by_first_exposure, cancel }
    }

    /// Encodes every unit; gives the pieces in their order, and what was counted of all of them.
    pub(crate) fn run(&self, table: &UnitTable, keeper: &UnitKeeper) -> Result<(Vec<KeptUnits>, Counts), QueryError> {
        let whole = Mutex::new(self.nobody());
        let kept = table.in_each_piece(self.cancel, |rows| {
            let piece = self.piece(rows)?;
            whole.lock().unwrap_or_else(PoisonError::into_inner).merge(&piece.counts);
            Ok(keeper.keep(piece.units)?)
        })?;
        Ok((kept, whole.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The counts of nobody.
    pub(crate) fn nobody(&self) -> Counts {
        Counts { tally: Tally::new(self.schema, self.tags), by_first_exposure: None }
    }

    /// Encodes the units of a piece.
    pub(crate) fn piece(
        &self,
        rows: &mut dyn Iterator<Item = Result<UnitRows, QueryError>>,
    ) -> Result<Piece, QueryError> {
        let mut tally = Tally::new(self.schema, self.tags);
        let mut parts = UnitColumnParts {
            codes: self.tags.iter().map(|tag| tag.bins.no_codes()).collect(),
            shapes: self.layout.shapes().to_vec(),
            ..self.no_parts()
        };
        let others = parts.shapes.len() - parts.codes.len();
        parts.codes.extend((0..others).map(|_| CodeColumn::U8(Vec::new())));
        let mut everybody = self.no_parts();
        if let Some(strata) = &self.schema.strata {
            everybody.shapes = strata.shapes(std::iter::empty()).collect();
            everybody.codes = vec![CodeColumn::U8(Vec::new())];
        }
        for rows in rows {
            let rows = rows?;
            tally.add_exposed(self.schema, &rows)?;
            if self.by_first_exposure {
                self.add_columns(&mut everybody, &rows)?;
                self.add_strata(&mut everybody.codes, &rows)?;
            }
            self.add_analysed(&mut parts, &mut tally, &self.schema.analysed(rows)?)?;
        }
        let by_first_exposure = if self.by_first_exposure { Some(self.by_arm(everybody)?) } else { None };
        let units = UnitColumns::in_layout(parts, self.layout).map_err(internal)?;
        Ok(Piece { units, counts: Counts { tally, by_first_exposure } })
    }

    fn no_parts(&self) -> UnitColumnParts {
        UnitColumnParts {
            arm_count: self.schema.arms,
            metrics: vec![Vec::new(); self.schema.values.len()],
            ..UnitColumnParts::default()
        }
    }

    /// Adds arms, buckets and metrics.
    fn add_columns(&self, parts: &mut UnitColumnParts, rows: &UnitRows) -> Result<(), QueryError> {
        parts.arms.extend(rows.arms()?);
        parts.buckets.extend(rows.buckets()?);
        for (column, values) in parts.metrics.iter_mut().zip(values(&self.schema.values, rows)?) {
            column.extend(values);
        }
        Ok(())
    }

    fn add_analysed(&self, parts: &mut UnitColumnParts, tally: &mut Tally, rows: &UnitRows) -> Result<(), QueryError> {
        let first = parts.arms.len();
        self.add_columns(parts, rows)?;
        let counted = Counted { arms: &parts.arms[first..], buckets: &parts.buckets[first..] };
        tally.add_analysed(self.schema, rows, &counted)?;
        let encoders = self.encoders.iter().zip(&mut parts.codes).zip(&mut tally.tags);
        for (tag, ((encoder, codes), tally)) in self.schema.tags.iter().zip(encoders) {
            let values = rows.column(&tag.column)?;
            let values = TagValues::of(&values)?;
            encoder.encode(&values, codes)?;
            tally.add(&counted, codes, first, &values);
        }
        self.add_others(parts.codes.get_mut(self.tags.len()..).unwrap_or_default(), rows)
    }

    /// Adds the columns beside the tags, in the order of [`UnitSchema::shapes`].
    fn add_others(&self, columns: &mut [CodeColumn], rows: &UnitRows) -> Result<(), QueryError> {
        let (cohorts, columns) = columns.split_at_mut(self.schema.cohorts.len());
        for (cohort, codes) in self.schema.cohorts.iter().zip(cohorts) {
            let members = rows.cohort(&cohort.column)?;
            add(codes, members.iter().map(|member| u8::from(member == Some(true))));
        }
        let (weeks, columns) = columns.split_at_mut(usize::from(self.schema.weeks.shape().is_some()));
        for codes in weeks {
            add(codes, rows.exposure_days()?.into_iter().map(|day| self.schema.weeks.week(day)));
        }
        self.add_strata(columns, rows)
    }

    /// Adds the stratum of each unit, and to columns that follow its cell in each cohort.
    fn add_strata(&self, columns: &mut [CodeColumn], rows: &UnitRows) -> Result<(), QueryError> {
        let (Some(strata), Some((column, of_cohorts))) = (&self.schema.strata, columns.split_first_mut()) else {
            return Ok(());
        };
        let found = strata.of_units(rows)?;
        add(column, found.iter().map(|stratum| *stratum as u8));
        for (cohort, codes) in self.schema.cohorts.iter().zip(of_cohorts) {
            let members = rows.cohort(&cohort.column)?;
            let cells = found.iter().zip(&members);
            add(codes, cells.map(|(stratum, member)| Strata::cell(*stratum, member == Some(true))));
        }
        Ok(())
    }

    fn by_arm(&self, everybody: UnitColumnParts) -> Result<CellSums, QueryError> {
        let units = UnitColumns::new(everybody).map_err(internal)?;
        let grouping = self
            .schema
            .strata
            .as_ref()
            .map_or(Grouping::Everybody, |strata| Grouping::Codes { column: 0, codes: strata.count() as Code });
        let counted = cell_sums(&units, &[grouping], self.groups, self.cancel).map_err(internal)?;
        counted.into_iter().next().ok_or_else(|| internal("nobody was counted"))
    }
}

/// A piece that is encoded.
pub(crate) struct Piece {
    pub(crate) units: UnitColumns,
    pub(crate) counts: Counts,
}

impl Counts {
    /// Adds the counts of units of other buckets.
    pub(crate) fn merge(&mut self, piece: &Self) {
        self.tally.merge(&piece.tally);
        match (&mut self.by_first_exposure, &piece.by_first_exposure) {
            (Some(sum), Some(piece)) => sum.add(piece),
            (sum @ None, piece) => sum.clone_from(piece),
            (Some(_), None) => {}
        }
    }
}

/// Adds codes to a column of bytes, as those beside the tags are.
fn add(column: &mut CodeColumn, codes: impl Iterator<Item = u8>) {
    if let CodeColumn::U8(column) = column {
        column.extend(codes);
    }
}

fn internal(error: impl std::fmt::Display) -> QueryError {
    QueryError::Internal(error.to_string())
}
