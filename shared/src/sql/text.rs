//! The SQL texts. Each file of `sql/` begins with a comment, which is not sent to D1.

/// The text of a file in `sql/`, without the comment at its top. Of two files: the first, then the
/// second.
macro_rules! text {
    ($($name:literal),+) => {
        $crate::sql::text::without_comment(concat!($(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/sql/",
            $name,
            ".sql"
        ))),+))
    };
}

pub(super) const fn without_comment(text: &'static str) -> &'static str {
    let mut rest = text.as_bytes();
    while let [b'-', b'-', ..] = rest {
        while let [letter, after @ ..] = rest {
            rest = after;
            if *letter == b'\n' {
                break;
            }
        }
    }
    // After a line break the rest is valid UTF-8.
    match str::from_utf8(rest) {
        Ok(body) => body,
        Err(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::{FILL, GRANT, UNWATCH};

    #[test]
    fn the_comment_at_the_top_of_a_file_is_not_sent() {
        assert_eq!(UNWATCH, "DELETE FROM watches\nWHERE user_id = ?1 AND owner = ?2\n");
        assert!(FILL.starts_with("SELECT\n") && GRANT.starts_with("INSERT INTO role_grants"));
    }
}
