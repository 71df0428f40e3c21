//! The canary of a lively day: the local Clerk has a user for it.

use serde_json::{Value, json};

use super::Addresses;
use super::clerk;

/// Its user. The day does not have this one, and nobody visits as this user.
pub(super) const USER: &str = "user_3CANARYofalivelyday00000001";

/// What turns it on in the consumer.
pub(super) fn bindings(addresses: Addresses) -> Value {
    json!({
        "CANARY_USER_ID": USER,
        "CLERK_SECRET_KEY": clerk::secret_key(),
        "CLERK_API_URL": format!("{}/v1", addresses.clerk()),
    })
}
