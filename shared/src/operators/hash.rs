//! The hash of the audit trail and of a plan.

use sha2::{Digest as _, Sha256};

/// Lower-case hexadecimal SHA-256 over texts. Each is preceded by its length, so no two lists have
/// the same bytes.
pub(super) fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(format!("{}:", part.len()));
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let digits = [byte >> 4, byte & 15];
        text.extend(digits.into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
        text
    })
}
