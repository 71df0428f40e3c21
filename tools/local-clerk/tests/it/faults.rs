//! The fault switches.

use local_clerk::faults::FaultSwitches;
use serde_json::{Value, json};

use crate::support::{RunningClerk, WebhookReceiver};

fn statuses(report: &Value) -> Vec<u64> {
    report["attempts"].as_array().unwrap().iter().filter_map(|a| a["status"].as_u64()).collect()
}

async fn send(clerk: &RunningClerk, id: &str, faults: Value) -> Value {
    let request = json!({ "body": "{\"a\":1}", "svix_id": id, "faults": faults });
    clerk.post("/local/deliveries", request).await
}

#[tokio::test]
async fn a_duplicate_has_the_same_id_and_body() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    let report = send(&clerk, "msg_1", json!({ "duplicate": 2 })).await;
    assert_eq!(statuses(&report), [202; 3]);
    let arrived = receiver.arrived();
    assert_eq!(receiver.ids(), ["msg_1"; 3]);
    assert!(arrived.iter().all(|a| a.verifies() && a.body == arrived[0].body));
}

#[tokio::test]
async fn a_dropped_delivery_never_arrives() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    let report = send(&clerk, "msg_1", json!({ "drop": true })).await;
    let want = json!({ "svix_id": "msg_1", "attempts": [], "dropped": true, "held": false });
    assert_eq!(report, want);
    assert!(receiver.arrived().is_empty());
}

#[tokio::test]
async fn a_delayed_delivery_arrives() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    assert_eq!(statuses(&send(&clerk, "msg_1", json!({ "delay_ms": 1 })).await), [202]);
    assert!(receiver.arrived()[0].verifies());
}

#[tokio::test]
async fn each_kind_of_forgery_is_refused_and_not_retried() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    let list = clerk.get("/local/deliveries/wrong").await.json();
    let want = ["body", "timestamp", "signature", "id", "stale", "other-secret"];
    assert_eq!(list, json!(want));
    for tamper in want {
        let report = send(&clerk, "msg_1", json!({ "tamper": tamper })).await;
        assert_eq!(statuses(&report), [401], "{tamper}");
    }
    assert_eq!(receiver.arrived().len(), 6);
}

#[tokio::test]
async fn switches_apply_to_every_delivery() {
    let receiver = WebhookReceiver::start().await;
    let faults =
        FaultSwitches { duplicate: 1, drop_every: 3, tamper_every: 2, ..FaultSwitches::default() };
    let clerk = RunningClerk::start_with(&receiver, faults).await;
    let mut seen = Vec::new();
    for n in 1..=4 {
        seen.push(statuses(&send(&clerk, &format!("msg_{n}"), json!({})).await));
    }
    let want: [&[u64]; 4] = [&[202, 202], &[401, 202, 401, 202], &[], &[401, 202, 401, 202]];
    assert_eq!(seen, want, "an altered delivery is retried unaltered");
    assert!(!receiver.ids().contains(&"msg_3".to_owned()));
}

#[tokio::test]
async fn a_window_sends_every_delivery_in_another_order() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start_with(
        &receiver,
        FaultSwitches { reorder: 6, ..FaultSwitches::default() },
    )
    .await;
    let ids: Vec<String> = (1..=6).map(|n| format!("msg_{n}")).collect();
    for id in &ids[..5] {
        let report = send(&clerk, id, json!({})).await;
        assert_eq!((&report["held"], &report["attempts"]), (&json!(true), &json!([])));
    }
    assert!(receiver.arrived().is_empty());
    let last = send(&clerk, &ids[5], json!({})).await;
    assert_eq!((&last["svix_id"], &last["held"]), (&json!("msg_6"), &json!(false)));
    assert_eq!(statuses(&last), [202]);
    assert_eq!(last["released"].as_array().unwrap().len(), 5);
    let mut arrived = receiver.ids();
    assert_ne!(arrived, ids);
    arrived.sort();
    assert_eq!(arrived, ids);
}

#[tokio::test]
async fn a_flush_or_a_change_of_switches_sends_held_deliveries() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    let off = json!({
        "duplicate": 0, "reorder": 0, "delay_ms": 0, "drop_every": 0, "tamper_every": 0,
        "limit_every": 0, "answer_delay_ms": 0,
    });
    assert_eq!(clerk.get("/local/faults").await.json(), off);
    let set = clerk.json("PUT", "/local/faults", json!({ "reorder": 9 })).await.json();
    assert_eq!((&set["reorder"], &set["released"]), (&json!(9), &json!([])));
    assert_eq!(clerk.get("/local/faults").await.json()["reorder"], 9);

    send(&clerk, "msg_1", json!({})).await;
    let flushed = clerk.post("/local/flush", json!({})).await;
    assert_eq!(flushed["released"][0]["svix_id"], "msg_1");
    assert_eq!(receiver.ids(), ["msg_1"]);

    send(&clerk, "msg_2", json!({})).await;
    let set = clerk.json("PUT", "/local/faults", json!({})).await.json();
    assert_eq!(set["released"][0]["svix_id"], "msg_2");
    assert_eq!(receiver.ids(), ["msg_1", "msg_2"]);
    assert_eq!(clerk.get("/local/faults").await.json(), off);
}

#[tokio::test]
async fn switches_out_of_range_change_nothing() {
    let clerk = RunningClerk::start(&WebhookReceiver::start().await).await;
    let wild = clerk.json("PUT", "/local/faults", json!({ "duplicate": 101 })).await;
    assert_eq!(
        (wild.status, &wild.json()["error"]),
        (400, &json!("duplicate is at most 100: give a smaller number"))
    );
    let misspelt = clerk.json("PUT", "/local/faults", json!({ "duplicates": 1 })).await;
    assert_eq!(misspelt.status, 422);
    assert_eq!(clerk.get("/local/faults").await.json()["duplicate"], 0);
}
