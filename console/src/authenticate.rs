//! Who asks: `shared::operators::authentication` decides; here is the check of a signature.

use std::cell::RefCell;
use std::collections::BTreeSet;

use edge::keys::{self, KeyLookupError};
use shared::operators::access::{AssertionError, validate_assertion};
use shared::operators::authentication::{
    Caller, Credential, FoundCredential, Refusal, access_caller, find_credential,
};
use shared::session::{self, TokenError};
use shared::settings::console::{AccessSettings, ConsoleSettings};
use shared::sql::audit::keep_name;
use worker::Env;

use crate::incoming::IncomingRequest;
use crate::{config, db};

/// The caller of a request.
pub(crate) async fn authenticate(env: &Env, incoming: &IncomingRequest) -> Result<Caller, Refusal> {
    let settings = config::settings(env);
    let now = edge::clock::now();
    match find_credential(incoming.credential_headers(), &settings, now)? {
        FoundCredential::Caller(caller) => Ok(caller),
        FoundCredential::Assertion(assertion) => access(assertion, &settings).await,
    }
}

async fn access(assertion: &str, settings: &ConsoleSettings) -> Result<Caller, Refusal> {
    let access = settings.access.as_ref().ok_or(Refusal::NotConfigured)?;
    match verify(assertion, access).await {
        Ok(caller) => Ok(access_caller(caller, settings)),
        Err(VerifyError::KeysUnavailable) => Err(Refusal::KeysUnavailable),
        Err(VerifyError::Invalid(rejection)) => {
            tracing::info!(reason = rejection.label(), detail = %rejection, "assertion rejected");
            Err(match rejection {
                AssertionError::ServiceToken => Refusal::ServiceToken,
                AssertionError::Token(_)
                | AssertionError::WrongAudience
                | AssertionError::WrongKind => Refusal::InvalidAssertion,
            })
        }
    }
}

/// Why an assertion was not accepted.
enum VerifyError {
    Invalid(AssertionError),
    KeysUnavailable,
}

impl<E: Into<AssertionError>> From<E> for VerifyError {
    fn from(error: E) -> Self {
        Self::Invalid(error.into())
    }
}

async fn verify(
    assertion: &str,
    access: &AccessSettings,
) -> Result<shared::operators::access::AccessUser, VerifyError> {
    let unverified = session::parse_token(assertion)?;
    let checked = keys::check_signature(&unverified, &access.keys).await;
    let status = checked.map_err(|error| match error {
        KeyLookupError::NoKeyId => TokenError::MissingKeyId.into(),
        KeyLookupError::UnknownKey => TokenError::UnknownKey.into(),
        KeyLookupError::Unavailable => VerifyError::KeysUnavailable,
    })?;
    let verified = unverified.with_signature(status)?;
    Ok(validate_assertion(&verified, &access.policy, edge::clock::now())?)
}

/// Actors whose names an isolate remembers to have kept.
const KEPT_MAX: usize = 1_000;

/// Keeps the name of a person who is about to change something for the audit trail, once per
/// isolate. Those who only look are not in the trail. It may fail: the trail has the actor anyway.
pub(crate) async fn keep_name_once(env: &Env, caller: &Caller) {
    thread_local! {
        static KEPT: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }
    let Caller { actor, name, .. } = caller;
    if caller.credential != Credential::Access {
        return;
    }
    if KEPT.with_borrow(|kept| kept.contains(actor)) {
        return;
    }
    let statement = keep_name(actor, name, edge::clock::now());
    if db::batch(env, &[statement]).await.is_err() {
        return;
    }
    KEPT.with_borrow_mut(|kept| {
        if KEPT_MAX <= kept.len() {
            kept.clear();
        }
        kept.insert(actor.clone());
    });
}
