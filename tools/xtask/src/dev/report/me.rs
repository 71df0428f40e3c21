//! The answer of `/api/me`: which roles it has, and whether these are the expected ones.

use serde_json::Value;

use super::super::day::ExpectedUser;
use super::super::http::HttpAnswer;

/// Whether the answer has exactly the expected roles.
pub(super) fn are_right(person: &ExpectedUser, answer: &HttpAnswer) -> bool {
    let Some(want) = person.roles else { return answer.status == 403 };
    let body = answer.json();
    let org_roles: Vec<&str> = person.org_role.into_iter().collect();
    answer.status == 200 && app_roles(&body) == want && org_roles_of(&body) == org_roles
}

/// The app roles in a response, in the order of their names.
pub(super) fn app_roles(body: &Value) -> Vec<&str> {
    let roles = body.get("roles").and_then(Value::as_array);
    let mut names: Vec<&str> = roles.into_iter().flatten().filter_map(Value::as_str).collect();
    names.sort_unstable();
    names
}

/// The role in each organization in a response.
fn org_roles_of(body: &Value) -> Vec<&str> {
    let all = body.get("organizations").and_then(Value::as_array);
    let roles = all.into_iter().flatten().filter_map(|org| org.get("role"));
    roles.filter_map(Value::as_str).collect()
}

/// The answer, for people.
pub(super) fn shown(answer: &HttpAnswer) -> String {
    if answer.status != 200 {
        return format!("{} {}", answer.status, answer.body.chars().take(120).collect::<String>());
    }
    let body = answer.json();
    let roles = [app_roles(&body), org_roles_of(&body)].concat().join(", ");
    let roles = if roles.is_empty() { "no role" } else { &roles };
    let version = body.get("version").map(Value::to_string).unwrap_or_default();
    let source = body.get("source").and_then(Value::as_str).unwrap_or("?");
    format!("200 {roles:<24} version {version} from {source}")
}

#[cfg(test)]
mod tests {
    use super::super::super::day::ADA;
    use super::*;

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, location: None, body: body.to_owned() }
    }

    #[test]
    fn all_roles_must_be_as_expected() {
        let body = r#"{"roles":["member","admin"],"organizations":[{"role":"org:admin"}]}"#;
        assert!(are_right(&ADA, &answer(200, body)));
        assert!(!are_right(&ADA, &answer(200, &body.replace("\"member\",", ""))));
        assert!(!are_right(&ADA, &answer(200, &body.replace("org:admin", "org:member"))));
        assert!(!are_right(&ADA, &answer(503, body)));
        assert!(!are_right(&ADA, &answer(0, "connection refused")));
    }
}
