//! Deliveries: what is sent, and how many times.

use serde_json::{Value, json};

use crate::support::{RunningClerk, WebhookReceiver};

fn statuses(report: &Value) -> Vec<Option<u64>> {
    report["attempts"].as_array().unwrap().iter().map(|a| a["status"].as_u64()).collect()
}

#[tokio::test]
async fn an_event_is_sent_in_clerks_form_and_signed() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    let request = json!({
        "type": "user.updated", "data": { "id": "user_1", "b": { "z": 1, "a": 2 } },
        "timestamp": 1_763_900_000_000_i64, "svix_id": "msg_2mine",
    });
    let report = clerk.post("/local/deliveries", request).await;
    let want = json!({
        "svix_id": "msg_2mine", "attempts": [{ "status": 202, "body": "taken" }],
        "dropped": false, "held": false,
    });
    assert_eq!(report, want);
    let [arrived] = receiver.arrived().try_into().unwrap();
    assert!(arrived.verifies());
    assert_eq!(arrived.id(), "msg_2mine");
    assert_eq!(arrived.headers["user-agent"], "Svix-Webhooks/local");
    assert_eq!(arrived.headers["content-type"], "application/json");
    // The instance id is the key id in the key set.
    let instance_id = clerk.instance_id().await;
    let body = "{\"data\":{\"b\":{\"a\":2,\"z\":1},\"id\":\"user_1\"},\
         \"event_attributes\":{\"http_request\":{\"client_ip\":\"203.0.113.51\",\
         \"user_agent\":\"local-clerk\"}},\"instance_id\":\"INSTANCE\",\"object\":\"event\",\
         \"timestamp\":1763900000000,\"type\":\"user.updated\"}";
    assert_eq!(arrived.body, body.replace("INSTANCE", &instance_id));
}

#[tokio::test]
async fn a_raw_body_is_sent_byte_for_byte() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    for body in ["{ \"b\" : 1,\n\"a\":2 }", "not json ü", ""] {
        let report = clerk.post("/local/deliveries", json!({ "body": body })).await;
        assert_eq!(statuses(&report), [Some(202)], "{body}");
        assert_eq!(receiver.arrived().last().unwrap().body, body);
        assert_eq!(report["svix_id"].as_str().unwrap().len(), 31);
    }
}

#[tokio::test]
async fn a_request_without_an_event_or_a_body_is_refused() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    for request in [
        json!({}),
        json!({ "type": "user.updated" }),
        json!({ "data": {} }),
        json!({ "body": "{}", "type": "user.updated", "data": {} }),
        json!({ "body": "{}", "timestamp": 1 }),
        json!({ "body": "{}", "svix_id": "" }),
        json!({ "body": "{}", "svix_id": "a b" }),
        json!({ "body": "{}", "faults": { "duplicate": 101 } }),
        json!({ "body": "{}", "faults": { "delay_ms": 60_001 } }),
    ] {
        let reply = clerk.json("POST", "/local/deliveries", request.clone()).await;
        assert_eq!(reply.status, 400, "{request}");
        assert!(reply.json()["error"].is_string());
    }
    for request in [
        json!({ "body": "{}", "fault": {} }),
        json!({ "body": "{}", "faults": { "tamper": "everything" } }),
        json!({ "body": 1 }),
    ] {
        assert_eq!(clerk.json("POST", "/local/deliveries", request).await.status, 422);
    }
    assert!(receiver.arrived().is_empty());
}

#[tokio::test]
async fn a_failure_is_retried_with_the_same_id_and_a_valid_signature() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    receiver.respond_with(&[503, 429]);
    let report = clerk.post("/local/deliveries", json!({ "body": "{}" })).await;
    assert_eq!(statuses(&report), [Some(503), Some(429), Some(202)]);
    let arrived = receiver.arrived();
    assert_eq!(arrived.len(), 3);
    assert!(arrived.iter().all(|a| a.verifies() && a.id() == report["svix_id"]));
}

#[tokio::test]
async fn retries_stop_after_three_attempts() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    receiver.respond_with(&[500, 500, 500]);
    let report = clerk.post("/local/deliveries", json!({ "body": "{}" })).await;
    assert_eq!(statuses(&report), [Some(500); 3]);
    assert_eq!(receiver.arrived().len(), 3);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let receiver = WebhookReceiver::start().await;
    let clerk = RunningClerk::start(&receiver).await;
    receiver.respond_with(&[302, 308]);
    let report = clerk.post("/local/deliveries", json!({ "body": "{}" })).await;
    assert_eq!(statuses(&report), [Some(302), Some(308), Some(202)]);
    assert_eq!(receiver.arrived().len(), 3, "the redirect was not followed");
}

#[tokio::test]
async fn a_receiver_that_is_down_is_reported() {
    use crate::support::{config, state_dir};
    use local_clerk::faults::FaultSwitches;
    use local_clerk::server::Server;

    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/webhooks/clerk", listener.local_addr().unwrap())
    };
    let server =
        Server::start(config(state_dir(), &closed, FaultSwitches::default())).await.unwrap();
    let clerk = RunningClerk { url: server.url().to_owned() };
    tokio::spawn(server.run(std::future::pending()));
    let report = clerk.post("/local/deliveries", json!({ "body": "{}" })).await;
    assert_eq!(statuses(&report), [None; 3]);
    let why = report["attempts"][0]["body"].as_str().unwrap();
    assert!(why.contains(&closed), "{why}");
}
