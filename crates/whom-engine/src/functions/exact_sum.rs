//! `exact_sum(value)`: the sum of 64-bit integers that never wraps.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, internal_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};
use whom_stats::grid::MAX_GRID_VALUE;

use crate::error::RefusedValue;

/// The partial sum: 38 decimal digits hold more than 2^126.
const STATE: DataType = DataType::Decimal128(38, 0);

/// The aggregate function. A group without a value sums to NULL; a sum of more than 46 bits is refused, because squares
/// of it could not be added up exactly over 10^10 units.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactSum {
    signature: Signature,
}

impl ExactSum {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &'static str {
        "exact_sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[sum]", args.name), STATE, true))])
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup::default()))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(ManyGroups::default()))
    }
}

fn to_value(sum: i128) -> Result<i64> {
    i64::try_from(sum).ok().filter(|value| value.unsigned_abs() <= MAX_GRID_VALUE as u64).ok_or_else(|| {
        DataFusionError::External(Box::new(RefusedValue(format!(
            "a unit's value is {sum} steps of its grid, more than the {MAX_GRID_VALUE} that can be squared and added up exactly; declare a coarser `precision`"
        ))))
    })
}

fn add(total: &mut Option<i128>, value: i128) -> Result<()> {
    let sum =
        total.unwrap_or(0).checked_add(value).ok_or_else(|| exec_datafusion_err!("a partial sum left 128 bits"))?;
    *total = Some(sum);
    Ok(())
}

fn decimals(array: &ArrayRef) -> Result<&Decimal128Array> {
    let Some(sums) = array.as_primitive_opt::<Decimal128Type>() else {
        return internal_err!("the state of `exact_sum` is {}", array.data_type());
    };
    Ok(sums)
}

#[derive(Debug, Default)]
struct OneGroup {
    sum: Option<i128>,
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values[0]
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .try_for_each(|value| add(&mut self.sum, i128::from(value)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        decimals(&states[0])?.iter().flatten().try_for_each(|value| add(&mut self.sum, value))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Decimal128(self.sum, 38, 0)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(self.sum.map(to_value).transpose()?))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The sums of many groups. Few ever leave 64 bits; those wait where 128 are kept.
#[derive(Debug, Default)]
struct ManyGroups {
    sums: Vec<i64>,
    known: Vec<bool>,
    wide: BTreeMap<usize, i128>,
}

impl ManyGroups {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0);
        self.known.resize(groups, false);
    }

    /// The sums of the first groups, which are forgotten.
    fn take(&mut self, emit_to: EmitTo) -> Vec<Option<i128>> {
        let (sums, known) = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.known));
        let taken = sums.len();
        let later = self.wide.split_off(&taken);
        let wide =
            std::mem::replace(&mut self.wide, later.into_iter().map(|(group, sum)| (group - taken, sum)).collect());
        let sum = |(group, (sum, known)): (usize, (i64, bool))| {
            known.then(|| wide.get(&group).copied().unwrap_or(0) + i128::from(sum))
        };
        sums.into_iter().zip(known).enumerate().map(sum).collect()
    }

    #[inline]
    fn add(&mut self, group: usize, value: i64) -> Result<()> {
        self.known[group] = true;
        match self.sums[group].checked_add(value) {
            Some(sum) => self.sums[group] = sum,
            None => self.add_wide(group, i128::from(value))?,
        }
        Ok(())
    }

    #[cold]
    fn add_wide(&mut self, group: usize, value: i128) -> Result<()> {
        self.known[group] = true;
        let wide = self.wide.entry(group).or_default();
        *wide = wide.checked_add(value).ok_or_else(|| exec_datafusion_err!("a partial sum left 128 bits"))?;
        Ok(())
    }
}

impl GroupsAccumulator for ManyGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.resize(total_groups);
        let values = values[0].as_primitive::<Int64Type>();
        let kept = filter.map(|filter| match filter.nulls() {
            Some(nulls) => filter.values() & nulls.inner(),
            None => filter.values().clone(),
        });
        let counted = NullBuffer::union(values.nulls(), kept.map(NullBuffer::new).as_ref());
        match counted.filter(|counted| counted.null_count() > 0) {
            None => groups.iter().zip(values.values()).try_for_each(|(group, value)| self.add(*group, *value)),
            Some(counted) => counted.valid_indices().try_for_each(|row| self.add(groups[row], values.value(row))),
        }
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.resize(total_groups);
        for (sum, group) in decimals(&states[0])?.iter().zip(groups) {
            match sum.map(i64::try_from) {
                Some(Ok(sum)) => self.add(*group, sum)?,
                Some(Err(_)) => self.add_wide(*group, sum.unwrap_or_default())?,
                None => {}
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let values = self.take(emit_to).into_iter().map(|sum| sum.map(to_value).transpose());
        Ok(Arc::new(values.collect::<Result<Int64Array>>()?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let sums = self.take(emit_to).into_iter().collect::<Decimal128Array>().with_data_type(STATE);
        Ok(vec![Arc::new(sums)])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<Int64Type>();
        let kept = values.iter().enumerate().map(|(row, value)| {
            let counted = filter.is_none_or(|keep| keep.is_valid(row) && keep.value(row));
            value.filter(|_| counted).map(i128::from)
        });
        Ok(vec![Arc::new(kept.collect::<Decimal128Array>().with_data_type(STATE))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i64>() + self.known.capacity() + self.wide.len() * size_of::<(usize, i128)>()
    }
}

#[cfg(test)]
mod tests;
