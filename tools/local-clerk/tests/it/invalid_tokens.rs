//! Tokens that are invalid on purpose, over HTTP.

use std::collections::BTreeSet;

use local_clerk::sample_users::ADA;
use serde_json::json;

use crate::support::{RunningClerk, WebhookReceiver};

#[tokio::test]
async fn each_invalid_token_can_be_requested_by_its_name() {
    let clerk = RunningClerk::start(&WebhookReceiver::start().await).await;
    let list = clerk.get("/local/tokens/wrong").await.json();
    let list = list.as_array().unwrap();
    let mut seen = BTreeSet::new();
    for wrong in list {
        assert!(wrong["what"].is_string() && wrong["taken_by_sdk"].is_boolean(), "{wrong}");
        let request = json!({ "user_id": ADA.id, "wrong": wrong["name"] });
        let minted = clerk.post("/local/tokens", request).await;
        assert!(seen.insert(minted["token"].as_str().unwrap().to_owned()), "{wrong}");
    }
    assert!(20 < seen.len());
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_the_known_names() {
    let clerk = RunningClerk::start(&WebhookReceiver::start().await).await;
    let request = json!({ "user_id": ADA.id, "wrong": "expird" });
    let reply = clerk.json("POST", "/local/tokens", request).await;
    assert_eq!(reply.status, 400);
    assert!(reply.json()["error"].as_str().unwrap().contains("expired"), "{}", reply.text);
}
