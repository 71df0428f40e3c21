//! Cursors of the console's lists: where a page ended. They are texts in addresses and programs, so
//! whatever comes back is checked.

use crate::time::UnixMillis;

/// A time is below this, so that it is exact in D1: 2^53.
pub const NUMBERS_END: i64 = 9_007_199_254_740_992;

/// Bytes of a cursor's id.
const ID_BYTES_MAX: usize = 256;

/// Sorts after the id of every row: no queue and no build of Rolecall makes an id of it.
const AFTER_EVERY_ID: &str = "\u{10ffff}";

/// A place in a list by (time, id). A page holds the rows after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The row's time.
    pub at: UnixMillis,
    /// The row's id.
    pub id: String,
}

/// A text that is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that a list returned: leave it out to begin with the first page")]
pub struct CursorError;

impl Cursor {
    /// Before every row of this time or later.
    #[must_use]
    pub fn before(time: UnixMillis) -> Self {
        let at = UnixMillis(time.0.clamp(0, NUMBERS_END - 1) - 1);
        Self { at, id: AFTER_EVERY_ID.into() }
    }

    /// After every row, for a list with the newest first.
    #[must_use]
    pub fn after_all() -> Self {
        Self { at: UnixMillis(NUMBERS_END - 1), id: AFTER_EVERY_ID.into() }
    }

    /// The text.
    #[must_use]
    pub fn encode(&self) -> String {
        format!("{}~{}", self.at.0, self.id)
    }

    /// Reads [`Self::encode`].
    ///
    /// # Errors
    /// If it is any other text.
    pub fn decode(text: &str) -> Result<Self, CursorError> {
        let (at, id) = text.split_once('~').ok_or(CursorError)?;
        let at = decode_number(at)?;
        let readable = !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.contains(char::is_control);
        readable.then(|| Self { at: UnixMillis(at), id: id.into() }).ok_or(CursorError)
    }
}

/// Reads the cursor of a list that is in the order of one number.
///
/// # Errors
/// If it is not a number in its shortest form.
pub fn decode_number(text: &str) -> Result<i64, CursorError> {
    let number: i64 = text.parse().map_err(|_| CursorError)?;
    let fits = (0..NUMBERS_END).contains(&number) && number.to_string() == text;
    fits.then_some(number).ok_or(CursorError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{Cursor, CursorError, decode_number};
    use crate::time::UnixMillis;

    proptest! {
        #[test]
        fn decoding_reverses_encoding(at in 0..super::NUMBERS_END, id in "[a-z0-9~.-]{1,64}") {
            let cursor = Cursor { at: UnixMillis(at), id };
            assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn whatever_is_decoded_is_the_text_of_a_cursor(text in ".{0,20}|[0-9]{0,20}~[a-z]{0,3}") {
            if let Ok(cursor) = Cursor::decode(&text) {
                assert_eq!(cursor.encode(), text);
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = format!("1~{}", "a".repeat(257));
        for text in
            ["", "~", "1", "1~", "-1~a", "+1~a", "01~a", "1~a\n", "9007199254740992~a", &long]
        {
            assert_eq!(Cursor::decode(text), Err(CursorError), "{text:?}");
        }
        assert_eq!(decode_number("12"), Ok(12));
        for text in ["", "-1", "1.5", "1e3", " 1", "007"] {
            assert_eq!(decode_number(text), Err(CursorError), "{text:?}");
        }
    }
}
