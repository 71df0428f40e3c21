//! The scripted day over HTTP.

use serde_json::{Value, json};

use crate::support::{RunningClerk, WebhookReceiver};

#[tokio::test]
async fn every_step_of_the_day_gets_an_expected_status() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    let day = clerk.get("/local/day").await.json();
    let steps = day.as_array().unwrap();
    for (index, step) in steps.iter().enumerate() {
        let played = clerk.post(&format!("/local/day/{index}"), json!({})).await;
        assert_eq!(played["ok"], true, "{played}");
        for name in ["title", "effect", "expected_status"] {
            assert_eq!(played[name], step[name]);
        }
        assert_eq!(played["svix_id"], step["delivery"]["svix_id"]);
        assert_eq!(played["attempts"].as_array().unwrap().len(), 1, "{played}");
    }
    let arrived = receiver.arrived();
    assert_eq!(arrived.len(), steps.len());
    for (arrived, step) in arrived.iter().zip(steps) {
        assert_eq!(arrived.verifies(), step["outcome"] != "refused", "{}", step["title"]);
    }
}

#[tokio::test]
async fn an_unexpected_status_is_reported() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    receiver.respond_with(&[200]);
    assert_eq!(clerk.post("/local/day/0", json!({})).await["ok"], false);
    assert_eq!(clerk.post("/local/day/0", json!({})).await["ok"], true);
}

#[tokio::test]
async fn without_a_response_ok_is_absent() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    clerk.json("PUT", "/local/faults", json!({ "drop_every": 1 })).await;
    let played = clerk.post("/local/day/0", json!({})).await;
    assert_eq!((&played["dropped"], &played["ok"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn an_unknown_step_is_not_found() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    assert_eq!(clerk.json("POST", "/local/day/99", json!({})).await.status, 404);
    assert_eq!(clerk.json("POST", "/local/day/first", json!({})).await.status, 400);
    assert!(receiver.arrived().is_empty());
}

#[tokio::test]
async fn the_revocation_and_the_grant_can_be_repeated() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    let mut roles = Vec::new();
    for name in ["revocation", "grant"] {
        let path = format!("/local/day/{name}");
        assert_eq!(clerk.get(&path).await.json()["type"], "user.updated");
        let played = clerk.post(&path, json!({})).await;
        assert_eq!(played["ok"], true, "{played}");
        let arrived = receiver.arrived().pop().unwrap();
        let event: Value = serde_json::from_slice(&arrived.body).unwrap();
        roles.push(event["data"]["public_metadata"].clone());
    }
    assert_eq!(roles, [json!({}), json!({ "roles": ["admin"] })]);
}
