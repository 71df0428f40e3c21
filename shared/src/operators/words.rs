//! Counts in sentences.

/// A count with its noun: `1 letter`, `3 letters`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{end}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular() {
        let shown = [0, 1, 2].map(|count| counted(count, "letter"));
        assert_eq!(shown, ["0 letters", "1 letter", "2 letters"]);
    }
}
