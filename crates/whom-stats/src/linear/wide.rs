//! 256-bit integers in a form that can be sent: their bytes, the lowest first.

use arrow_buffer::i256;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(integers: &[i256], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(integers.iter().map(|integer| integer.to_le_bytes()))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i256>, D::Error> {
    let bytes = Vec::<[u8; 32]>::deserialize(deserializer)?;
    Ok(bytes.into_iter().map(i256::from_le_bytes).collect())
}
