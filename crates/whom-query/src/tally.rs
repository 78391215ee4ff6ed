//! What checks and reports count of the units: integers by arm, and sums of numeric tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use whom_spec::plan::{SeveralVariantsRule, Split};
use whom_stats::{BUCKETS, BucketSet, CodeColumn};

use crate::bins::Fitted;
use crate::bucket_sums::BucketSums;
use crate::error::QueryError;
use crate::status::Status;
use crate::tag_values::TagValues;
use crate::unit_schema::UnitSchema;
use crate::unit_table::UnitRows;

/// Units by arm and by whatever is asked besides. The tallies of pieces merge in any order to that of all units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The units with a first exposure, by arm.
    pub exposed: Vec<u64>,
    /// Those of them that saw several variants, by the first one.
    pub several: Vec<u64>,
    /// The earliest first exposure of any unit, in microseconds since 1970-01-01 UTC; `None` without a unit.
    pub earliest_exposure: Option<i64>,
    /// The analysed units, by arm.
    pub analysed: Vec<u64>,
    /// The analysed units by metric, status and arm.
    statuses: Vec<[Vec<u64>; Status::ALL.len()]>,
    /// The analysed units: index `bucket * arms + arm`.
    by_bucket: Vec<u64>,
    /// The analysed units by day of first exposure and arm.
    by_day: BTreeMap<i32, Vec<u64>>,
    /// By stratum, where arms are compared within some.
    pub(crate) strata: Vec<StratumTally>,
    /// The analysed units by tag.
    pub tags: Vec<TagTally>,
}

/// The units of a stratum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StratumTally {
    /// The units with a first exposure, by arm.
    pub(crate) exposed: Vec<u64>,
    /// Those of them that saw several variants, by the first one.
    pub(crate) several: Vec<u64>,
    /// The analysed ones, by arm.
    pub(crate) analysed: Vec<u64>,
    /// Those by metric, status and arm.
    statuses: Vec<[Vec<u64>; Status::ALL.len()]>,
    /// Those by day of first exposure and arm.
    pub(crate) by_day: BTreeMap<i32, Vec<u64>>,
}

/// The units of a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagTally {
    arms: usize,
    /// Index `code * arms + arm`, the missing code last whether or not a unit misses the tag.
    by_code: Vec<u64>,
    /// The known values by arm, of a numeric tag.
    pub sums: Option<BucketSums>,
}

/// Some units in the columns that every count is made by.
pub(crate) struct Counted<'a> {
    pub(crate) arms: &'a [u8],
    pub(crate) buckets: &'a [u16],
}

impl Tally {
    /// Nobody, with the tags that were fitted.
    pub(crate) fn new(schema: &UnitSchema, tags: &[Fitted]) -> Self {
        let none = || vec![0; schema.arms];
        Self {
            exposed: none(),
            several: none(),
            earliest_exposure: None,
            analysed: none(),
            statuses: schema.measures.iter().map(|_| Status::ALL.map(|_| none())).collect(),
            by_bucket: vec![0; BUCKETS * schema.arms],
            by_day: BTreeMap::new(),
            strata: schema
                .strata
                .iter()
                .flat_map(|strata| (0..strata.count()).map(|_| StratumTally::new(schema)))
                .collect(),
            tags: tags.iter().map(|tag| TagTally::new(tag, schema.arms)).collect(),
        }
    }

    /// Counts units as they were exposed.
    pub(crate) fn add_exposed(&mut self, schema: &UnitSchema, rows: &UnitRows) -> Result<(), QueryError> {
        let several = rows.several_variants()?;
        for (arm, several) in rows.arms()?.into_iter().zip(&several) {
            self.exposed[usize::from(arm)] += 1;
            self.several[usize::from(arm)] += u64::from(several == Some(true));
        }
        if let Some(strata) = &schema.strata {
            for ((arm, stratum), several) in rows.arms()?.into_iter().zip(strata.of_units(rows)?).zip(&several) {
                let stratum = &mut self.strata[stratum];
                stratum.exposed[usize::from(arm)] += 1;
                stratum.several[usize::from(arm)] += u64::from(several == Some(true));
            }
        }
        self.earliest_exposure = earlier(self.earliest_exposure, rows.earliest_exposure()?);
        Ok(())
    }

    /// Counts analysed units, but for their tags.
    pub(crate) fn add_analysed(
        &mut self,
        schema: &UnitSchema,
        rows: &UnitRows,
        counted: &Counted<'_>,
    ) -> Result<(), QueryError> {
        for (arm, bucket) in counted.arms.iter().zip(counted.buckets) {
            self.analysed[usize::from(*arm)] += 1;
            self.by_bucket[usize::from(*bucket) * schema.arms + usize::from(*arm)] += 1;
        }
        for (arm, day) in counted.arms.iter().zip(rows.exposure_days()?) {
            self.by_day.entry(day).or_insert_with(|| vec![0; schema.arms])[usize::from(*arm)] += 1;
        }
        for (metric, by_status) in schema.measures.iter().zip(&mut self.statuses) {
            for (arm, status) in counted.arms.iter().zip(rows.statuses(&metric.status)?) {
                by_status[status as usize][usize::from(*arm)] += 1;
            }
        }
        self.add_to_strata(schema, rows, counted)
    }

    fn add_to_strata(&mut self, schema: &UnitSchema, rows: &UnitRows, counted: &Counted<'_>) -> Result<(), QueryError> {
        let Some(strata) = &schema.strata else { return Ok(()) };
        let of_units = strata.of_units(rows)?;
        for ((arm, stratum), day) in counted.arms.iter().zip(&of_units).zip(rows.exposure_days()?) {
            let (stratum, arm) = (&mut self.strata[*stratum], usize::from(*arm));
            stratum.analysed[arm] += 1;
            stratum.by_day.entry(day).or_insert_with(|| vec![0; schema.arms])[arm] += 1;
        }
        for (place, metric) in schema.measures.iter().enumerate() {
            let statuses = rows.statuses(&metric.status)?;
            for ((arm, stratum), status) in counted.arms.iter().zip(&of_units).zip(statuses) {
                self.strata[*stratum].statuses[place][status as usize][usize::from(*arm)] += 1;
            }
        }
        Ok(())
    }

    /// Adds the tally of units of other buckets.
    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.exposed, &other.exposed);
        add(&mut self.several, &other.several);
        self.earliest_exposure = earlier(self.earliest_exposure, other.earliest_exposure);
        add(&mut self.analysed, &other.analysed);
        add(&mut self.by_bucket, &other.by_bucket);
        add_statuses(&mut self.statuses, &other.statuses);
        add_days(&mut self.by_day, &other.by_day);
        self.strata.iter_mut().zip(&other.strata).for_each(|(sum, other)| sum.merge(other));
        self.tags.iter_mut().zip(&other.tags).for_each(|(sum, other)| sum.merge(other));
    }

    /// The exposed units that are left when those in several variants are, where the split says that these are, by arm.
    pub fn in_one_variant(&self, split: &Split) -> Vec<u64> {
        in_one_variant(split, &self.exposed, &self.several)
    }

    /// The analysed units, over all arms.
    pub fn units(&self) -> u64 {
        self.analysed.iter().sum()
    }

    /// The analysed units by arm whose status of a metric counts, given the metric's place in the file.
    pub fn with_status(&self, metric: usize, counts: impl Fn(Status) -> bool) -> Vec<u64> {
        with_status(&self.statuses, self.analysed.len(), metric, counts)
    }

    /// The analysed units of some buckets, over all arms.
    pub fn units_in(&self, buckets: &BucketSet) -> u64 {
        let by_bucket = self.by_bucket();
        by_bucket.iter().filter(|(bucket, _)| buckets.contains(**bucket)).flat_map(|(_, units)| units).sum()
    }

    /// The analysed units by arm, of each bucket that has some.
    pub(crate) fn by_bucket(&self) -> BTreeMap<u16, Vec<u64>> {
        let buckets = self.by_bucket.chunks_exact(self.analysed.len().max(1)).zip(0..);
        buckets
            .filter(|(units, _)| units.iter().any(|units| *units > 0))
            .map(|(units, at)| (at, units.to_vec()))
            .collect()
    }

    /// The analysed units by arm, of each day of first exposure that has some.
    pub fn by_day(&self) -> &BTreeMap<i32, Vec<u64>> {
        &self.by_day
    }
}

impl StratumTally {
    fn new(schema: &UnitSchema) -> Self {
        let none = || vec![0; schema.arms];
        Self {
            exposed: none(),
            several: none(),
            analysed: none(),
            statuses: schema.measures.iter().map(|_| Status::ALL.map(|_| none())).collect(),
            by_day: BTreeMap::new(),
        }
    }

    fn merge(&mut self, other: &Self) {
        add(&mut self.exposed, &other.exposed);
        add(&mut self.several, &other.several);
        add(&mut self.analysed, &other.analysed);
        add_statuses(&mut self.statuses, &other.statuses);
        add_days(&mut self.by_day, &other.by_day);
    }

    /// As [`Tally::in_one_variant`], of the stratum.
    pub(crate) fn in_one_variant(&self, split: &Split) -> Vec<u64> {
        in_one_variant(split, &self.exposed, &self.several)
    }

    /// As [`Tally::with_status`], of the stratum.
    pub(crate) fn with_status(&self, metric: usize, counts: impl Fn(Status) -> bool) -> Vec<u64> {
        with_status(&self.statuses, self.analysed.len(), metric, counts)
    }
}

impl TagTally {
    pub(crate) fn new(tag: &Fitted, arms: usize) -> Self {
        let by_code = vec![0; (tag.bins.known_codes() + 1) * arms];
        let sums = tag.bins.shape().ordered.then(|| BucketSums::new(tag.centre, arms));
        Self { arms, by_code, sums }
    }

    /// Counts units by their codes, of which those from `first` on are theirs, and adds their values.
    pub(crate) fn add(&mut self, units: &Counted<'_>, codes: &CodeColumn, first: usize, values: &TagValues<'_>) {
        match codes {
            CodeColumn::U8(codes) => self.count(units.arms, codes[first..].iter().map(|code| usize::from(*code))),
            CodeColumn::U16(codes) => self.count(units.arms, codes[first..].iter().map(|code| usize::from(*code))),
        }
        if let (Some(sums), TagValues::Numbers(numbers)) = (&mut self.sums, values) {
            let units = units.buckets.iter().zip(units.arms);
            for ((bucket, arm), value) in units.zip(numbers.iter()) {
                if let Some(value) = value {
                    sums.add(*bucket, usize::from(*arm), value);
                }
            }
        }
    }

    fn count(&mut self, arms: &[u8], codes: impl Iterator<Item = usize>) {
        for (arm, code) in arms.iter().zip(codes) {
            self.by_code[code * self.arms + usize::from(*arm)] += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        add(&mut self.by_code, &other.by_code);
        if let (Some(sums), Some(others)) = (&mut self.sums, &other.sums) {
            sums.merge(others);
        }
    }

    /// Units by code and arm, the missing code last.
    pub(crate) fn by_code_and_arm(&self) -> Vec<Vec<u64>> {
        self.by_code.chunks_exact(self.arms.max(1)).map(<[u64]>::to_vec).collect()
    }

    /// Units by code over all arms, the missing code last.
    pub fn by_code(&self) -> Vec<u64> {
        self.by_code.chunks_exact(self.arms.max(1)).map(|units| units.iter().sum()).collect()
    }
}

/// Units by arm without those in several variants, if these are left out.
fn in_one_variant(split: &Split, exposed: &[u64], several: &[u64]) -> Vec<u64> {
    if split.several_variants.rule != SeveralVariantsRule::Exclude {
        return exposed.to_vec();
    }
    exposed.iter().zip(several).map(|(exposed, several)| exposed - several).collect()
}

/// The earlier of two instants, of which either may be none.
fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

fn add_days(sums: &mut BTreeMap<i32, Vec<u64>>, others: &BTreeMap<i32, Vec<u64>>) {
    for (day, units) in others {
        add(sums.entry(*day).or_insert_with(|| vec![0; units.len()]), units);
    }
}

/// Units by metric, status and arm.
type Statuses = [[Vec<u64>; Status::ALL.len()]];

fn add_statuses(sums: &mut Statuses, others: &Statuses) {
    let sums = sums.iter_mut().flatten().zip(others.iter().flatten());
    sums.for_each(|(sum, other)| add(sum, other));
}

/// The units of so many arms whose status of a metric counts.
fn with_status(statuses: &Statuses, arms: usize, metric: usize, counts: impl Fn(Status) -> bool) -> Vec<u64> {
    let mut units = vec![0; arms];
    let by_status = statuses.get(metric).into_iter().flatten();
    let counted = Status::ALL.into_iter().zip(by_status).filter(|(status, _)| counts(*status));
    counted.for_each(|(_, of_status)| add(&mut units, of_status));
    units
}

fn add(sums: &mut [u64], units: &[u64]) {
    sums.iter_mut().zip(units).for_each(|(sum, units)| *sum += units);
}
