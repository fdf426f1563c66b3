//! Who may do what.

use contracts::WalletId;
use serde_json::json;
use service_runtime::Clock;

use crate::fleet::{Answer, Client, Fleet};

/// Everything that shows or moves a wallet's money.
async fn everything(
    client: &Client,
    key: &str,
    wallet: &str,
    other: &str,
    shop: &str,
) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for (verb, answer) in [
        (
            "deposit",
            client
                .deposit(&format!("{key}-deposit"), wallet, "1.00")
                .await,
        ),
        (
            "withdraw",
            client
                .withdraw(&format!("{key}-withdraw"), wallet, "1.00")
                .await,
        ),
        (
            "transfer",
            client
                .transfer(&format!("{key}-transfer"), wallet, other, "1.00")
                .await,
        ),
    ] {
        answers.push((verb.to_owned(), answer));
    }
    let pay = json!({
        "wallet": wallet, "merchant": shop, "amount": "1.00", "currency": "EUR",
        "order_reference": key,
    });
    answers.push((
        "pay".to_owned(),
        client
            .post(&format!("{key}-pay"), "/v1/payments", &pay)
            .await,
    ));
    for view in ["", "/history", "/stats"] {
        let path = format!("/v1/wallets/{wallet}{view}");
        answers.push((path.clone(), client.get(&path).await));
    }
    answers
}

/// M13: a predecessor's finance API asked nobody for a token, and nobody looked at the owner.
#[tokio::test(flavor = "multi_thread")]
async fn m13_money_moves_and_shows_only_with_a_token_of_its_owner() {
    let fleet = Fleet::shared().await;
    let staff = fleet.service("m13");
    let ann = staff.open_with("m13-ann", "100.00").await;
    let bob = staff.open_with("m13-bob", "100.00").await;
    let shop = staff.open("m13-shop", "merchant").await;
    let before = fleet.events_of(&ann).await;

    for (what, answer) in everything(&staff.nobody(), "nobody", &ann, &bob, &shop).await {
        assert_eq!(
            answer.refusal(),
            (401, "unauthenticated".to_owned()),
            "{what}"
        );
    }
    let thief = fleet.customer("m13-bob");
    for (what, answer) in everything(&thief, "thief", &ann, &bob, &shop).await {
        // Whose wallet it is does not even show: it answers as one that is not there. Who may
        // not deposit at all is told that.
        let expected = if what == "deposit" {
            (403, "forbidden")
        } else {
            (404, "not_found")
        };
        assert_eq!(
            answer.refusal(),
            (expected.0, expected.1.to_owned()),
            "{what}"
        );
    }
    let listed = thief.get("/v1/wallets?owner=m13-ann").await;
    if listed.status == 200 {
        assert_eq!(
            listed.json()["items"],
            json!([]),
            "somebody else's wallets are not listed"
        );
    } else {
        assert!(matches!(listed.status, 403 | 404), "{listed:?}");
    }
    assert_eq!(staff.balance(&ann).await, "100.00");
    assert_eq!(fleet.events_of(&ann).await, before);

    let owner = fleet.customer("m13-ann");
    owner.withdraw("mine", &ann, "1.00").await.created();
    let moved = owner
        .transfer("mine-too", &ann, &bob, "1.00")
        .await
        .created();
    let receiver = moved["legs"]
        .as_array()
        .expect("legs")
        .iter()
        .find(|leg| leg["wallet"] == *bob);
    assert!(
        receiver.expect("a leg").get("balance_after").is_none(),
        "what bob has is bob's"
    );
    fleet.leave().await;
}

/// M19: any user of a predecessor could add funds to any wallet, out of nothing.
#[tokio::test(flavor = "multi_thread")]
async fn m19_users_cannot_deposit_and_deposits_come_from_somewhere() {
    let fleet = Fleet::shared().await;
    let staff = fleet.service("m19");
    let ann = staff.open_with("m19-ann", "100.00").await;
    let user = fleet.customer("m19-ann");
    let refused = user.deposit("rich", &ann, "1000000.00").await;
    assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(staff.balance(&ann).await, "100.00");
    // In one statement, while other tests move money.
    let open = fleet
        .scalar(
            "SELECT count(*) FROM (SELECT currency FROM ledger.balances
                                   GROUP BY currency HAVING sum(posted) <> 0) AS open",
        )
        .await;
    assert_eq!(open, 0, "all accounts together hold nothing");
    fleet.leave().await;
}

/// WAL-02, WAL-07: a predecessor answered for every id, and a transfer to a wrong one opened it.
#[tokio::test(flavor = "multi_thread")]
async fn wal_02_a_wallet_that_is_not_there_is_not_found_and_not_opened() {
    let fleet = Fleet::shared().await;
    let staff = fleet.service("wal-02");
    let ann = staff.open_with("wal-02-ann", "100.00").await;
    let shop = staff.open("wal-02-shop", "merchant").await;
    let nobody = WalletId::mint(Clock::system().now(), service_runtime::entropy()).to_string();
    for (what, answer) in everything(&staff, "unknown", &nobody, &ann, &shop).await {
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{what}");
    }
    let lost = staff.transfer("lost", &ann, &nobody, "1.00").await;
    assert_eq!(lost.refusal(), (404, "not_found".to_owned()));
    assert_eq!(staff.balance(&ann).await, "100.00");
    assert_eq!(fleet.events_of(&nobody).await, 0);
    fleet.leave().await;
}
