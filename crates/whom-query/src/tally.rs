//! What checks and reports count of the units: integers by arm, and sums of numeric tags.

use std::collections::BTreeMap;

use whom_stats::{BUCKETS, CodeColumn};

use crate::bins::Fitted;
use crate::bucket_sums::BucketSums;
use crate::error::QueryError;
use crate::status::Status;
use crate::tag_values::TagValues;
use crate::unit_schema::{Standing, UnitSchema};
use crate::unit_table::UnitRows;

/// Units by arm and by whatever is asked besides. The tallies of pieces merge in any order to that of all units.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// The units with a first exposure, by arm.
    pub exposed: Vec<u64>,
    /// Those of them that saw several variants, by the first one.
    pub several: Vec<u64>,
    /// The exposed units that are left when those in several variants are, if the plan says so, by arm.
    pub in_one_variant: Vec<u64>,
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
    /// By period of constant weights, where the weights of the arms change.
    pub(crate) periods: Vec<PeriodTally>,
    /// The analysed units by tag.
    pub tags: Vec<TagTally>,
}

/// The units of a period of constant weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PeriodTally {
    /// The units with a first exposure, by arm.
    pub(crate) exposed: Vec<u64>,
    /// Those that are left when the ones in several variants are.
    pub(crate) in_one_variant: Vec<u64>,
    /// The analysed ones, by arm.
    pub(crate) analysed: Vec<u64>,
    /// Those by metric, status and arm.
    statuses: Vec<[Vec<u64>; Status::ALL.len()]>,
}

/// The units of a tag.
#[derive(Clone, Debug, PartialEq)]
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
            in_one_variant: none(),
            earliest_exposure: None,
            analysed: none(),
            statuses: schema.measures.iter().map(|_| Status::ALL.map(|_| none())).collect(),
            by_bucket: vec![0; BUCKETS * schema.arms],
            by_day: BTreeMap::new(),
            periods: schema
                .periods
                .iter()
                .flat_map(|periods| (0..periods.count()).map(|_| PeriodTally::new(schema)))
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
        let in_one = schema.standings(rows)?.into_iter().map(|standing| standing != Standing::SeveralVariants);
        let in_one: Vec<u64> = in_one.map(u64::from).collect();
        rows.arms()?.into_iter().zip(&in_one).for_each(|(arm, in_one)| self.in_one_variant[usize::from(arm)] += in_one);
        if let Some(periods) = &schema.periods {
            for ((arm, day), in_one) in rows.arms()?.into_iter().zip(rows.exposure_days()?).zip(in_one) {
                let period = &mut self.periods[periods.period(day)];
                period.exposed[usize::from(arm)] += 1;
                period.in_one_variant[usize::from(arm)] += in_one;
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
        self.add_to_periods(schema, rows, counted)
    }

    fn add_to_periods(
        &mut self,
        schema: &UnitSchema,
        rows: &UnitRows,
        counted: &Counted<'_>,
    ) -> Result<(), QueryError> {
        let Some(periods) = &schema.periods else { return Ok(()) };
        let days = rows.exposure_days()?;
        let of_units: Vec<usize> = days.into_iter().map(|day| periods.period(day)).collect();
        for (arm, period) in counted.arms.iter().zip(&of_units) {
            self.periods[*period].analysed[usize::from(*arm)] += 1;
        }
        for (place, metric) in schema.measures.iter().enumerate() {
            let statuses = rows.statuses(&metric.status)?;
            for ((arm, period), status) in counted.arms.iter().zip(&of_units).zip(statuses) {
                self.periods[*period].statuses[place][status as usize][usize::from(*arm)] += 1;
            }
        }
        Ok(())
    }

    /// Adds the tally of units of other buckets.
    pub(crate) fn merge(&mut self, other: &Self) {
        add(&mut self.exposed, &other.exposed);
        add(&mut self.several, &other.several);
        add(&mut self.in_one_variant, &other.in_one_variant);
        self.earliest_exposure = earlier(self.earliest_exposure, other.earliest_exposure);
        add(&mut self.analysed, &other.analysed);
        add(&mut self.by_bucket, &other.by_bucket);
        add_statuses(&mut self.statuses, &other.statuses);
        for (day, units) in &other.by_day {
            add(self.by_day.entry(*day).or_insert_with(|| vec![0; units.len()]), units);
        }
        self.periods.iter_mut().zip(&other.periods).for_each(|(sum, other)| sum.merge(other));
        self.tags.iter_mut().zip(&other.tags).for_each(|(sum, other)| sum.merge(other));
    }

    /// The analysed units, over all arms.
    pub fn units(&self) -> u64 {
        self.analysed.iter().sum()
    }

    /// The analysed units by arm whose status of a metric counts, given the metric's place in the file.
    pub fn with_status(&self, metric: usize, counts: impl Fn(Status) -> bool) -> Vec<u64> {
        with_status(&self.statuses, self.analysed.len(), metric, counts)
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

impl PeriodTally {
    fn new(schema: &UnitSchema) -> Self {
        let none = || vec![0; schema.arms];
        Self {
            exposed: none(),
            in_one_variant: none(),
            analysed: none(),
            statuses: schema.measures.iter().map(|_| Status::ALL.map(|_| none())).collect(),
        }
    }

    fn merge(&mut self, other: &Self) {
        add(&mut self.exposed, &other.exposed);
        add(&mut self.in_one_variant, &other.in_one_variant);
        add(&mut self.analysed, &other.analysed);
        add_statuses(&mut self.statuses, &other.statuses);
    }

    /// As [`Tally::with_status`], of the period.
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

/// The earlier of two instants, of which either may be none.
fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
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
