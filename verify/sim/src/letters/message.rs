//! Letters by number, and their messages.

/// Most letters, and the subjects that they are about: one each.
pub(super) const LETTERS: usize = 3;

/// A letter, a replay or a driver, by its place.
pub type Number = u8;

/// A message of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    /// The letter.
    pub letter: Number,
    /// The generation in its tag.
    pub generation: u8,
    /// The mark that it was sent for: the letter's `round` at that time.
    pub round: u8,
    /// Whether it is one more of the same.
    pub again: bool,
}
