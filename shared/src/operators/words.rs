//! Counts in sentences.

/// A count with its noun: `1 letter`, `12,345 letters`.
#[must_use]
pub fn counted(count: &(impl Copy + Into<i128>), noun: &str) -> String {
    let count: i128 = (*count).into();
    let end = if count == 1 { "" } else { "s" };
    format!("{} {noun}{end}", number(&count))
}

/// A number with commas between thousands.
#[must_use]
pub fn number(value: &(impl Copy + Into<i128>)) -> String {
    let value: i128 = (*value).into();
    let digits = value.unsigned_abs().to_string();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{counted, number};

    #[test]
    fn numbers_have_commas_and_nouns() {
        assert_eq!(number(&1_234_567), "1,234,567");
        assert_eq!(number(&-999), "-999");
        assert_eq!(counted(&0, "letter"), "0 letters");
        assert_eq!(counted(&1, "letter"), "1 letter");
        assert_eq!(counted(&1000, "letter"), "1,000 letters");
    }
}
