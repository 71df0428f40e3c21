//! As much DER as an RSA public key needs: `SubjectPublicKeyInfo`, RFC 5280 and RFC 8017.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// `rsaEncryption`, 1.2.840.113549.1.1.1, with its parameters: NULL.
const RSA_ENCRYPTION: [u8; 13] =
    [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Modulus and exponent, or `None` when the bytes are anything else. Nothing may follow.
pub(super) fn rsa(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let info = whole(der, SEQUENCE)?;
    let (algorithm, info) = value(info, SEQUENCE)?;
    if algorithm != RSA_ENCRYPTION {
        return None;
    }
    let (unused_bits, key) = whole(info, BIT_STRING)?.split_first()?;
    if *unused_bits != 0 {
        return None;
    }
    let (modulus, rest) = value(whole(key, SEQUENCE)?, INTEGER)?;
    Some((modulus, whole(rest, INTEGER)?))
}

/// The content of the one value that fills `bytes`.
fn whole(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (content, rest) = value(bytes, tag)?;
    rest.is_empty().then_some(content)
}

/// The content of the first value, and what follows it.
fn value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (actual, rest) = bytes.split_first()?;
    if *actual != tag {
        return None;
    }
    let (length, rest) = length(rest)?;
    rest.split_at_checked(length)
}

/// A definite length: one byte below 128, otherwise the count of the bytes that spell it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    // More than two bytes would be a length above 64 KB, which no key has. Zero bytes would be an
    // indefinite length.
    match length {
        [low] => Some((usize::from(*low), rest)),
        [high, low] => Some((usize::from(u16::from_be_bytes([*high, *low])), rest)),
        _ => None,
    }
}
