//! How the console of the local system is opened.

use super::Addresses;
use super::report::ConsoleAccess;
use super::state::DevState;
use crate::workers::Worker;

/// How the console is reached, if it runs. The variable may hold several tokens, for a rotation.
pub(super) fn access(
    state: &DevState,
    addresses: Addresses,
    workers: &[Worker],
) -> Option<ConsoleAccess> {
    let is_there = workers.iter().any(|worker| worker.env == "console");
    let tokens = state.operator_token.split([' ', ',']);
    let token = tokens.into_iter().find(|token| !token.is_empty())?.to_owned();
    is_there.then(|| ConsoleAccess { url: addresses.console(), token })
}

/// How to open the console. The token is of this machine alone.
pub(super) fn sign_in_lines(ConsoleAccess { url, token }: &ConsoleAccess) -> [String; 3] {
    [
        format!("\nThe console opens with this token: {token}"),
        format!("  in a browser: {url}/sign-in"),
        format!("  for the program `rolecall`: cargo run -p cli -- login {url}\n"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_the_console_is_printed() {
        let access =
            ConsoleAccess { url: "http://127.0.0.1:9002".to_owned(), token: "abc".to_owned() };
        let said = sign_in_lines(&access).concat();
        for part in ["token: abc", "http://127.0.0.1:9002/sign-in", "login http://127.0.0.1:9002"] {
            assert!(said.contains(part), "{part} is missing in {said}");
        }
    }
}
