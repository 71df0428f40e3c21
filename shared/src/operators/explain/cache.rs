//! A user's role cache against the database.

use super::rows::WatchRow;
use super::words::duration;
use crate::operators::api::explain::CacheReport;
use crate::role_cache::CachePeek;

/// What is known of the state of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheState<'a> {
    /// The object did not answer.
    Silent,
    /// Its answer.
    Answered(&'a CachePeek),
}

/// The report on a role cache: the watch in D1, and what the object says.
#[must_use]
pub fn cache_report(watch: Option<&WatchRow>, cache: CacheState<'_>) -> CacheReport {
    let peek = match cache {
        CacheState::Silent => None,
        CacheState::Answered(peek) => Some(peek),
    };
    CacheReport {
        watched: watch.is_some(),
        version: watch.map(|watch| watch.version),
        acked: watch.map(|watch| watch.acked),
        hint_pending: watch.is_some_and(is_pending),
        cached_version: peek.and_then(|peek| peek.version),
        cached_age_ms: peek.and_then(|peek| peek.age_ms),
        summary: summary(watch, peek),
    }
}

fn is_pending(watch: &WatchRow) -> bool {
    watch.acked < watch.version
}

fn summary(watch: Option<&WatchRow>, peek: Option<&CachePeek>) -> String {
    let mut text = match (watch, peek) {
        (Some(_), None) => "The role cache did not answer. Ask again.".into(),
        (None, None) => "No role cache watches this user, and it did not answer. Ask again.".into(),
        (None, Some(peek)) => unwatched(peek),
        (Some(watch), Some(peek)) => watched(watch, peek),
    };
    let Some(watch) = watch else { return text };
    if is_pending(watch) {
        let version = watch.version.to_string();
        let pending = " is pending: the sweep sends it each minute.";
        text.extend([" A hint for version ", &version, pending]);
    }
    if watch.behind.0 {
        text.push_str(
            " The default role has changed since. The watch takes that in when the roles are next \
             read, or in one of the next sweeps.",
        );
    }
    text
}

fn unwatched(peek: &CachePeek) -> String {
    match (peek.version, peek.serves) {
        (Some(version), true) => format!(
            "The role cache holds version {version}, but no watch is left in the database: no hint \
             reaches it. It reads again before these roles reach their hard age."
        ),
        _ => "No role cache watches this user: the next guard reads the database.".into(),
    }
}

fn watched(watch: &WatchRow, peek: &CachePeek) -> String {
    if watch.owner != peek.owner {
        return "The watch belongs to another life of the role cache: the next hint or the next \
                read ends or renews it."
            .into();
    }
    let Some(version) = peek.version else {
        return "The role cache holds no roles: the next guard reads the database.".into();
    };
    if version < peek.floor {
        return format!(
            "The role cache holds version {version} and knows that it is old: the next guard reads \
             the database."
        );
    }
    let age = duration(peek.age_ms.unwrap_or_default());
    if !peek.serves {
        return format!(
            "The role cache read version {version} {age} ago, longer than the hard age: the next \
             guard reads the database."
        );
    }
    if version < watch.version {
        return format!(
            "The role cache serves version {version}, read {age} ago. The database is at version \
             {}: guards see the older roles until the hint arrives, or until they reach their age \
             limit.",
            watch.version
        );
    }
    format!("The role cache serves the current version {version}, read {age} ago.")
}
