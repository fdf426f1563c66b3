use super::*;

fn event(json: &str) -> LedgerEvent {
    LedgerEvent::decode(json.as_bytes()).expect("a fixture")
}

const TRANSFER: &str =
    include_str!("../../../../contracts/fixtures/florin.ledger.transfer.posted.v1/001.json");
const REJECTED: &str =
    include_str!("../../../../contracts/fixtures/florin.ledger.transfer.rejected.v1/001.json");

fn rendered(json: &str, sight: &Sight) -> (Rendered, serde_json::Value) {
    let rendered = Renderer.render(&event(json), sight);
    let body = serde_json::from_str(&rendered.body).expect("JSON");
    (rendered, body)
}

#[test]
fn a_balance_shows_only_to_those_who_may_read_the_wallet() {
    let (answer, body) = rendered(
        TRANSFER,
        &Sight::Wallets(event(TRANSFER).wallet().into_iter().collect()),
    );
    assert_eq!(answer.status, 201);
    assert!(body["legs"][0]["balance_after"].is_string() && body["legs"][0]["version"].is_u64());
    assert!(body["legs"][1].get("balance_after").is_none());
    assert!(body["legs"][1].get("version").is_none());

    let (_, body) = rendered(TRANSFER, &Sight::All);
    assert!(body["legs"][1]["balance_after"].is_string());
}

#[test]
fn a_decision_against_is_a_problem_that_names_its_event() {
    let (answer, body) = rendered(REJECTED, &Sight::All);
    assert_eq!(body["status"], answer.status);
    assert_eq!(body["instance"], event(REJECTED).id().to_string());
    assert!(body["code"].is_string() && body["title"].is_string());
}
