//! `first_seen(exposed_at, arm, several)`: which arm a unit saw first, when, and whether it saw others.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int16Array,
    Int64Builder, StructArray, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Int16Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};

/// The bytes of a partial state: the instant, the arm, and whether there were several.
const WIDTH: usize = 11;
const STATE: DataType = DataType::FixedSizeBinary(WIDTH as i32);

fn instants() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// What a group comes to.
fn answer() -> Fields {
    Fields::from(vec![
        Field::new("first_exposure", instants(), true),
        Field::new("arm", DataType::Int64, true),
        Field::new("several_variants", DataType::Boolean, true),
    ])
}

/// The aggregate function. Of several rows at the first instant the least arm counts; a row without an instant or an arm
/// counts for nothing, and a group without rows is NULL. A row may stand for several exposures that were put together
/// before: the first of them, and whether others were to another variant.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct FirstSeen {
    signature: Signature,
}

impl FirstSeen {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::exact(vec![instants(), DataType::Int16, DataType::Boolean], Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for FirstSeen {
    fn name(&self) -> &'static str {
        super::FIRST_SEEN
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(answer()))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[first]", args.name), STATE, true))])
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

/// What is known of a unit: nothing without rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    at: i64,
    arm: i16,
    known: bool,
    several: bool,
}

impl Seen {
    pub(crate) const NOTHING: Self = Self { at: i64::MAX, arm: i16::MAX, known: false, several: false };

    #[inline]
    pub(crate) fn of(at: i64, arm: i16, several: bool) -> Self {
        Self { at, arm, known: true, several }
    }

    /// Whether there is a row.
    #[inline]
    pub(crate) fn is_known(self) -> bool {
        self.known
    }

    /// The instant of the first exposure.
    pub(crate) fn at(self) -> i64 {
        self.at
    }

    /// Its arm.
    pub(crate) fn arm(self) -> i16 {
        self.arm
    }

    /// Whether there were several variants.
    pub(crate) fn several(self) -> bool {
        self.several
    }

    /// Together with others of the same unit: associative, and in any order.
    #[inline]
    pub(crate) fn merge(&mut self, other: Self) {
        self.several |= other.several || (self.known && other.known && self.arm != other.arm);
        if (other.at, other.arm) < (self.at, self.arm) {
            (self.at, self.arm) = (other.at, other.arm);
        }
        self.known |= other.known;
    }

    fn to_bytes(self) -> [u8; WIDTH] {
        let mut bytes = [0; WIDTH];
        bytes[..8].copy_from_slice(&self.at.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.arm.to_le_bytes());
        bytes[10] = u8::from(self.several);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Ok(bytes) = <&[u8; WIDTH]>::try_from(bytes) else {
            return internal_err!("the state of `first_seen` has {} bytes", bytes.len());
        };
        let [a, b, c, d, e, f, g, h, low, high, several] = *bytes;
        let at = i64::from_le_bytes([a, b, c, d, e, f, g, h]);
        Ok(Self { at, arm: i16::from_le_bytes([low, high]), known: true, several: several != 0 })
    }
}

/// The columns of rows.
struct SeenRows<'a> {
    instants: &'a TimestampMicrosecondArray,
    arms: &'a Int16Array,
    several: &'a BooleanArray,
}

impl<'a> SeenRows<'a> {
    fn of(values: &'a [ArrayRef]) -> Self {
        Self {
            instants: values[0].as_primitive::<TimestampMicrosecondType>(),
            arms: values[1].as_primitive::<Int16Type>(),
            several: values[2].as_boolean(),
        }
    }

    /// Which rows count; `None` if all do.
    fn counted(&self, filter: Option<&BooleanArray>) -> Option<NullBuffer> {
        let known = NullBuffer::union(self.instants.nulls(), self.arms.nulls());
        let kept = filter.map(|filter| {
            let kept = NullBuffer::new(filter.values().clone());
            NullBuffer::union(Some(&kept), filter.nulls()).unwrap_or(kept)
        });
        NullBuffer::union(known.as_ref(), kept.as_ref()).filter(|counted| counted.null_count() > 0)
    }

    fn row(&self, row: usize) -> Seen {
        Seen::of(self.instants.value(row), self.arms.value(row), self.several.value(row))
    }
}

fn states(array: &ArrayRef) -> Result<&FixedSizeBinaryArray> {
    match array.as_fixed_size_binary_opt() {
        Some(states) if states.value_length() == WIDTH as i32 => Ok(states),
        _ => internal_err!("the state of `first_seen` is {}", array.data_type()),
    }
}

fn state_of(seen: impl ExactSizeIterator<Item = Seen>) -> Result<ArrayRef> {
    let mut states = FixedSizeBinaryBuilder::with_capacity(seen.len(), WIDTH as i32);
    for seen in seen {
        if seen.known {
            states.append_value(seen.to_bytes())?;
        } else {
            states.append_null();
        }
    }
    Ok(Arc::new(states.finish()))
}

fn answer_of(groups: &[Seen]) -> Result<StructArray> {
    let some = groups.len();
    let mut first = TimestampMicrosecondBuilder::with_capacity(some).with_data_type(instants());
    let mut arms = Int64Builder::with_capacity(some);
    let mut several = BooleanBuilder::with_capacity(some);
    for seen in groups {
        first.append_option(seen.known.then_some(seen.at));
        arms.append_option(seen.known.then_some(i64::from(seen.arm)));
        several.append_option(seen.known.then_some(seen.several));
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(first.finish()), Arc::new(arms.finish()), Arc::new(several.finish())];
    let nulls = columns[0].nulls().cloned();
    Ok(StructArray::try_new(answer(), columns, nulls)?)
}

#[derive(Debug)]
struct OneGroup {
    seen: Seen,
}

impl Default for OneGroup {
    fn default() -> Self {
        Self { seen: Seen::NOTHING }
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = SeenRows::of(values);
        let counted = rows.counted(None);
        (0..rows.instants.len())
            .filter(|row| counted.as_ref().is_none_or(|counted| counted.is_valid(*row)))
            .for_each(|row| self.seen.merge(rows.row(row)));
        Ok(())
    }

    fn merge_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for state in states(&arrays[0])?.iter().flatten() {
            self.seen.merge(Seen::from_bytes(state)?);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let bytes = self.seen.known.then(|| self.seen.to_bytes().to_vec());
        Ok(vec![ScalarValue::FixedSizeBinary(WIDTH as i32, bytes)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Struct(Arc::new(answer_of(&[self.seen])?)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

#[derive(Debug, Default)]
struct ManyGroups {
    groups: Vec<Seen>,
}

impl GroupsAccumulator for ManyGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.groups.resize(total_groups, Seen::NOTHING);
        let rows = SeenRows::of(values);
        match rows.counted(filter) {
            None => groups.iter().enumerate().for_each(|(row, group)| self.groups[*group].merge(rows.row(row))),
            Some(counted) => counted.valid_indices().for_each(|row| self.groups[groups[row]].merge(rows.row(row))),
        }
        Ok(())
    }

    fn merge_batch(&mut self, arrays: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.groups.resize(total_groups, Seen::NOTHING);
        for (state, group) in states(&arrays[0])?.iter().zip(groups) {
            if let Some(state) = state {
                self.groups[*group].merge(Seen::from_bytes(state)?);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(answer_of(&emit_to.take_needed(&mut self.groups))?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![state_of(emit_to.take_needed(&mut self.groups).into_iter())?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = SeenRows::of(values);
        let counted = rows.counted(filter);
        let seen = (0..rows.instants.len()).map(|row| {
            let counts = counted.as_ref().is_none_or(|counted| counted.is_valid(row));
            if counts { rows.row(row) } else { Seen::NOTHING }
        });
        Ok(vec![state_of(seen)?])
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Seen>()
    }
}

#[cfg(test)]
mod tests;
