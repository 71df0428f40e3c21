//! New ids in the form of Clerk's and Svix's.

/// A fresh `svix-id`.
pub(crate) fn new_svix_id() -> String {
    new_id("msg_")
}

/// A fresh id in Clerk's form: a prefix and 27 letters or digits.
pub(crate) fn new_id(prefix: &str) -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(27).fold(prefix.to_owned(), |mut id, c| {
        id.push(c);
        id
    })
}

#[cfg(test)]
mod tests {
    use super::new_svix_id;

    #[test]
    fn a_svix_id_has_the_usual_form_and_is_new() {
        let id = new_svix_id();
        assert_eq!(id.len(), 31);
        assert!(id.strip_prefix("msg_").unwrap().bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(id, new_svix_id());
    }
}
