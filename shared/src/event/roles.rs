//! App roles in `public_metadata`: which are kept, and what is noted about the others.

use serde_json::value::RawValue;

use super::members::{ParseNotes, optional_raw};
use crate::json::{JsonObject, array_items, parse_scalar};
use crate::limits::{ROLE_NAME_BYTES_MAX, ROLE_NAMES_MAX};
use crate::roles::is_app_role;

const AT: &str = "data.public_metadata";

const METADATA_MEMBERS: [&str; 2] = ["roles", "role"];

/// `roles`, an array of strings, and `role`, a string, together: sorted by their bytes, each once,
/// at most [`ROLE_NAMES_MAX`]. Other metadata is ignored.
pub(super) fn app_roles(data: &JsonObject<'_>, notes: &mut ParseNotes) -> Vec<String> {
    let Some(raw) = optional_raw(data, AT, notes) else { return Vec::new() };
    let Ok(metadata) = JsonObject::parse(raw.get(), &METADATA_MEMBERS) else {
        notes.add(format!("{AT} is {}, expected an object: no app roles read", json_type(raw)));
        return Vec::new();
    };
    let mut names = roles_member(&metadata, notes);
    names.extend(role_member(&metadata, notes));
    names.sort_unstable();
    names.dedup();
    if ROLE_NAMES_MAX < names.len() {
        notes.add(format!(
            "{AT} lists {} app roles: only the first {ROLE_NAMES_MAX} in byte order are kept",
            names.len()
        ));
        names.truncate(ROLE_NAMES_MAX);
    }
    names
}

fn roles_member(metadata: &JsonObject<'_>, notes: &mut ParseNotes) -> Vec<String> {
    let at = "data.public_metadata.roles";
    let Some(raw) = optional_raw(metadata, at, notes) else { return Vec::new() };
    let Ok(items) = array_items(raw) else {
        notes.add(format!("{at} is {}, expected an array: no app roles read", json_type(raw)));
        return Vec::new();
    };
    let names: Vec<String> = items.iter().filter_map(|raw| app_role(raw)).collect();
    if names.len() < items.len() {
        let (skipped, all) = (items.len() - names.len(), items.len());
        notes.add(format!("{at}: {skipped} of {all} were skipped: {}", app_role_rule()));
    }
    names
}

fn role_member(metadata: &JsonObject<'_>, notes: &mut ParseNotes) -> Option<String> {
    let at = "data.public_metadata.role";
    let raw = optional_raw(metadata, at, notes)?;
    let name = app_role(raw);
    if name.is_none() && !raw.get().starts_with('"') {
        notes.add(format!("{at} is {}, expected a string: no app roles read", json_type(raw)));
    } else if name.is_none() {
        notes.add(format!("{at} was skipped: {}", app_role_rule()));
    }
    name
}

fn app_role_rule() -> String {
    format!(
        "an app role is a string of 1 to {ROLE_NAME_BYTES_MAX} bytes without leading or trailing \
         spaces, without control characters, and not starting with org:"
    )
}

fn app_role(raw: &RawValue) -> Option<String> {
    parse_scalar(raw).ok().filter(|name: &String| is_app_role(name))
}

fn json_type(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "a boolean",
        _ => "a number",
    }
}
