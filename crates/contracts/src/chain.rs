//! The hash chain of the log: `hash(n) = SHA-256(hash(n - 1) ‖ data(n))`, where `data` is the
//! event exactly as it is stored and sent. Whoever holds the last hash can prove that no
//! earlier event was changed, removed or inserted.

use sha2::{Digest, Sha256};

/// A link of the chain.
pub type Hash = [u8; 32];

/// What the first event's hash is chained to.
pub const GENESIS: Hash = [0; 32];

/// The hash of the event whose bytes are `data` and that follows the one with hash `previous`.
pub fn link(previous: &Hash, data: &[u8]) -> Hash {
    let mut digest = Sha256::new();
    digest.update(previous);
    digest.update(data);
    digest.finalize().into()
}

/// Reads a hash as the `Florin-Hash` header carries it: 64 lower-case hexadecimal digits.
pub fn parse(text: &str) -> Option<Hash> {
    let mut hash = GENESIS;
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_link_is_the_hash_of_32_zero_bytes_and_the_data() {
        // printf '\0%.0s' {1..32} | cat - <(printf 'a') | sha256sum
        let mut bytes = vec![0u8; 32];
        bytes.push(b'a');
        let expected: Hash = Sha256::digest(&bytes).into();
        assert_eq!(link(&GENESIS, b"a"), expected);
    }

    #[test]
    fn a_hash_survives_its_text_form_and_nonsense_does_not_parse() {
        let hash = link(&GENESIS, b"x");
        assert_eq!(parse(&hex::encode(hash)), Some(hash));
        assert_eq!(parse("abc"), None);
        assert_eq!(parse(&"g".repeat(64)), None);
    }
}
