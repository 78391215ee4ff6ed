//! What every version of the program can read of an order, whoever wrote it: which program that was.

use bytes::Bytes;

/// Says that what follows is ours.
const MAGIC: &[u8; 8] = b"whom\0ord";

/// An order without its parts, as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The version of the program that wrote it.
    pub(crate) version: String,
    /// The name of the stage.
    pub(crate) name: String,
    /// What all parts need to know.
    pub(crate) common: Bytes,
}

impl Header {
    /// The bytes: the magic, then each field by its length (64 bits, little-endian) and itself. This never changes.
    pub(crate) fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(MAGIC);
        for field in [self.version.as_bytes(), self.name.as_bytes(), &self.common] {
            into.extend_from_slice(&(field.len() as u64).to_le_bytes());
            into.extend_from_slice(field);
        }
    }

    /// Whether bytes are an order, of any version.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads what [`Self::encode`] wrote; `None` for anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let (version, name, common) = (field(&mut rest)?, field(&mut rest)?, field(&mut rest)?);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let header = Self { version: text(version)?, name: text(name)?, common: Bytes::copy_from_slice(common) };
        rest.is_empty().then_some(header)
    }
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<8>()?;
    let (field, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_order_is_read_as_it_was_written(version in ".*", name in ".*", common: Vec<u8>, cut: prop::sample::Index) {
            let header = Header { version, name, common: Bytes::from(common) };
            let mut bytes = Vec::new();
            header.encode(&mut bytes);
            prop_assert!(Header::is_one(&bytes));
            prop_assert_eq!(Header::decode(&bytes), Some(header));
            prop_assert_eq!(Header::decode(&bytes[..cut.index(bytes.len())]), None);
            bytes.push(0);
            prop_assert_eq!(Header::decode(&bytes), None);
        }

        #[test]
        fn no_bytes_are_too_much_for_it(bytes: Vec<u8>) {
            let _ = Header::decode(&[MAGIC.as_slice(), &bytes].concat());
        }
    }
}
