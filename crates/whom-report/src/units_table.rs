//! `units.parquet`: the unit table, written as it was made.

use arrow::array::RecordBatch;

use crate::error::ReportError;
use crate::parquet_file::parquet_bytes;

/// The version of the columns of `units.parquet`.
pub const UNITS_SCHEMA_VERSION: u32 = 1;

/// The unit table as Parquet: unit, arm, first_exposure, bucket, fold, then each metric in its own unit and each tag.
///
/// # Errors
/// If the table cannot be encoded.
pub fn units_parquet(units: &RecordBatch, analysis: &str) -> Result<Vec<u8>, ReportError> {
    let version = UNITS_SCHEMA_VERSION.to_string();
    let metadata = [("whom.schema", "units"), ("whom.schema_version", version.as_str()), ("whom.analysis", analysis)];
    parquet_bytes("units.parquet", units, &metadata)
}
