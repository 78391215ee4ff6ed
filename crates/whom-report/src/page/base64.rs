//! Bytes in base 64, as the policy of a page names the hash of a script.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes in base 64 with padding (RFC 4648, section 4).
pub(super) fn encoded(bytes: &[u8]) -> String {
    let group = |chunk: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, index| bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        let digit = move |index: usize| {
            let shown = index <= chunk.len();
            let digit = ALPHABET.get((bits >> (18 - 6 * index) & 63) as usize).copied().unwrap_or(b'=');
            char::from(if shown { digit } else { b'=' })
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::encoded;

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn the_published_examples_hold() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let encodings = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        assert_eq!(texts.map(|text| encoded(text.as_bytes())), encodings);
    }
}
