//! Wallets that are frozen, blocked, closed, or given credit, over HTTP.

use ledger_api::auth::Role;
use serde_json::{Value, json};

use crate::world::{Reply, World};

struct Cast {
    world: World,
    staff: String,
    ann: String,
    /// Ann's, with 100.00 EUR.
    wallet: String,
    /// Bob's, with 100.00 EUR.
    other: String,
    merchant: String,
}

async fn cast() -> Cast {
    let world = World::start().await;
    Cast {
        staff: world.staff(),
        ann: world.customer("ann"),
        wallet: world.wallet_with("ann", "100.00", "EUR").await,
        other: world.wallet_with("bob", "100.00", "EUR").await,
        merchant: world.wallet("shop", "merchant").await,
        world,
    }
}

impl Cast {
    /// Has something done to ann's wallet.
    async fn order(&self, token: &str, verb: &str, body: &Value) -> Reply {
        let path = format!("/v1/wallets/{}/{verb}", self.wallet);
        self.world.write(token, &path, body).await
    }

    /// Staff changes ann's wallet.
    async fn change(&self, verb: &str) -> Reply {
        let body = json!({"reason": "as it must be"});
        self.order(&self.staff, verb, &body).await
    }

    /// Every way in which money leaves ann's wallet.
    async fn debits(&self, currency: &str) -> Vec<Reply> {
        let plain = json!({"amount": "1.00", "currency": currency});
        let mut transfer = plain.clone();
        transfer["to_wallet"] = json!(self.other);
        let mut payment = plain.clone();
        payment["wallet"] = json!(self.wallet);
        payment["merchant"] = json!(self.merchant);
        payment["order_reference"] = json!(crate::world::fresh_key());
        vec![
            self.order(&self.ann, "withdraw", &plain).await,
            self.order(&self.ann, "transfer", &transfer).await,
            self.world.write(&self.ann, "/v1/payments", &payment).await,
        ]
    }

    /// Every way in which money comes into ann's wallet.
    async fn credits(&self) -> Vec<Reply> {
        let mut body = json!({"amount": "1.00", "currency": "EUR"});
        let deposit = self.order(&self.staff, "deposit", &body).await;
        body["to_wallet"] = json!(self.wallet);
        let path = format!("/v1/wallets/{}/transfer", self.other);
        let bob = self.world.customer("bob");
        vec![deposit, self.world.write(&bob, &path, &body).await]
    }

    async fn shown(&self) -> Value {
        let path = format!("/v1/wallets/{}", self.wallet);
        self.world.get(&self.ann, &path).await.ok(200)
    }

    /// The newest event's data.
    async fn last_event(&self) -> Value {
        let data: String =
            sqlx::query_scalar("SELECT data FROM ledger.events ORDER BY seq DESC LIMIT 1")
                .fetch_one(&self.world.owner)
                .await
                .expect("the log is there");
        serde_json::from_str(&data).expect("JSON")
    }

    /// Nobody of these roles may, and nothing is written.
    async fn is_for_none_of(&self, verb: &str, body: &Value, roles: &[Role]) {
        let before = self.world.rows().await;
        for role in roles {
            let owns = matches!(role, Role::Customer | Role::Merchant);
            let token = self.world.token(*role, if owns { "ann" } else { "" });
            let reply = self.order(&token, verb, body).await;
            reply.refused(403, "forbidden", format!("{verb} by {}", role.as_str()));
        }
        assert_eq!(self.world.rows().await, before);
    }
}

fn all_refused(replies: &[Reply], status: u16, code: &str) {
    for reply in replies {
        reply.refused(status, code, code);
    }
}

fn all_posted(replies: &[Reply]) {
    for reply in replies {
        reply.ok(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_wallet_lets_nothing_out_and_keeps_what_comes_in() {
    let cast = cast().await;
    let analyst = cast.world.token(Role::Analyst, "");
    let reason = json!({"reason": "card stolen"});
    let frozen = cast.order(&analyst, "freeze", &reason).await.ok(200);
    assert_eq!(
        (&frozen["status"], &frozen["reason"]),
        (&json!("frozen"), &reason["reason"])
    );
    let event = cast.last_event().await;
    assert_eq!(event["type"], "florin.ledger.wallet.frozen.v1");
    assert_eq!(
        (&event["actor"], &event["reason"]),
        (&json!("analyst"), &reason["reason"])
    );
    // At once, for every debit; the decision is an event too.
    all_refused(&cast.debits("EUR").await, 403, "wallet_frozen");
    assert_eq!(cast.last_event().await["code"], "wallet_frozen");
    all_posted(&cast.credits().await);
    cast.change("freeze")
        .await
        .refused(409, "status_unchanged", "twice");
    assert_eq!(cast.shown().await["status"], "frozen");

    // Only by those who may, and with a reason.
    let owners_and_money = [Role::Customer, Role::Merchant, Role::Finance];
    cast.is_for_none_of("freeze", &reason, &owners_and_money)
        .await;
    cast.is_for_none_of("unfreeze", &reason, &owners_and_money)
        .await;
    for (body, status, code) in [
        (json!({}), 400, "invalid_field"),
        (json!({"reason": ""}), 422, "invalid_text"),
        (json!({"reason": " "}), 422, "invalid_text"),
        (json!({"reason": "a\u{0}b"}), 422, "invalid_text"),
        (json!({"reason": "x".repeat(501)}), 422, "invalid_text"),
        (
            json!({"reason": "r", "currency": "ZZZ"}),
            422,
            "unknown_currency",
        ),
    ] {
        let reply = cast.order(&analyst, "unfreeze", &body).await;
        reply.refused(status, code, body);
    }
    let unfrozen = cast.order(&analyst, "unfreeze", &reason).await.ok(200);
    assert_eq!(unfrozen["status"], "active");
    all_posted(&cast.debits("EUR").await);
    cast.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_currency_of_a_wallet_is_frozen_alone() {
    let cast = cast().await;
    let dollars = json!({"amount": "10.00", "currency": "USD"});
    cast.order(&cast.staff, "deposit", &dollars).await.ok(201);
    let euros = json!({"reason": "r", "currency": "EUR"});
    let frozen = cast.order(&cast.staff, "freeze", &euros).await.ok(200);
    assert_eq!(
        (&frozen["status"], &frozen["currency"]),
        (&json!("active"), &json!("EUR"))
    );
    all_refused(&cast.debits("EUR").await, 403, "currency_frozen");
    all_posted(&cast.debits("USD").await);
    all_posted(&cast.credits().await);
    let shown = cast.shown().await;
    let frozen: Vec<_> = shown["balances"]
        .as_array()
        .expect("balances")
        .iter()
        .map(|balance| (balance["currency"].clone(), balance["frozen"].clone()))
        .collect();
    assert_eq!(
        frozen,
        [(json!("EUR"), json!(true)), (json!("USD"), json!(false))]
    );
    // A currency that never moved can be frozen before it does.
    let yen = json!({"reason": "r", "currency": "JPY"});
    cast.order(&cast.staff, "freeze", &yen).await.ok(200);
    // The whole wallet is another matter: both are lifted by themselves.
    cast.change("freeze").await.ok(200);
    cast.change("unfreeze").await.ok(200);
    all_refused(&cast.debits("EUR").await, 403, "currency_frozen");
    cast.order(&cast.staff, "unfreeze", &euros).await.ok(200);
    let again = cast.order(&cast.staff, "unfreeze", &euros).await;
    again.refused(409, "status_unchanged", "twice");
    all_posted(&cast.debits("EUR").await);
    cast.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_blocked_wallet_nothing_moves_until_staff_unblocks_it() {
    let cast = cast().await;
    let reason = json!({"reason": "r"});
    let others = [Role::Customer, Role::Merchant, Role::Analyst, Role::Finance];
    cast.is_for_none_of("block", &reason, &others).await;
    cast.change("freeze").await.ok(200);
    assert_eq!(cast.change("block").await.ok(200)["status"], "blocked");
    let event = cast.last_event().await;
    assert_eq!(
        (&event["actor"], &event["reason"]),
        (&json!("operator"), &json!("as it must be"))
    );
    all_refused(&cast.debits("EUR").await, 403, "wallet_blocked");
    all_refused(&cast.credits().await, 403, "wallet_blocked");
    cast.change("block")
        .await
        .refused(409, "status_unchanged", "twice");
    cast.is_for_none_of("unblock", &reason, &others).await;
    // What it was before, it is again.
    assert_eq!(cast.change("unblock").await.ok(200)["status"], "frozen");
    all_refused(&cast.debits("EUR").await, 403, "wallet_frozen");
    cast.change("unfreeze").await.ok(200);
    all_posted(&cast.debits("EUR").await);
    cast.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_empty_wallet_is_closed_and_its_history_stays_readable() {
    let cast = cast().await;
    let reason = json!({"reason": "moving away"});
    let bob = cast.world.customer("bob");
    cast.order(&bob, "close", &reason)
        .await
        .refused(404, "not_found", "bob");
    for token in [&cast.ann, &cast.staff] {
        let reply = cast.order(token, "close", &reason).await;
        reply.refused(409, "wallet_not_empty", "with money");
    }
    let all = json!({"amount": "100.00", "currency": "EUR"});
    cast.order(&cast.ann, "withdraw", &all).await.ok(201);
    let closed = cast.order(&cast.ann, "close", &reason).await.ok(200);
    assert_eq!(closed["status"], "closed");
    let event = cast.last_event().await;
    assert_eq!(event["type"], "florin.ledger.wallet.closed.v1");
    assert_eq!(
        (&event["actor"], &event["reason"]),
        (&json!("ann"), &reason["reason"])
    );

    all_refused(&cast.debits("EUR").await, 409, "wallet_closed");
    all_refused(&cast.debits("USD").await, 409, "wallet_closed");
    all_refused(&cast.credits().await, 409, "wallet_closed");
    for verb in ["freeze", "unfreeze", "block", "unblock", "close"] {
        cast.change(verb).await.refused(409, "wallet_closed", verb);
    }
    let credit = json!({"amount": "1.00", "currency": "EUR", "reason": "r"});
    let credit = cast.order(&cast.staff, "credit-limit", &credit).await;
    credit.refused(409, "wallet_closed", "credit");

    let shown = cast.shown().await;
    assert_eq!(
        (&shown["status"], &shown["balances"][0]["posted"]),
        (&json!("closed"), &json!("0.00"))
    );
    let history = format!("/v1/wallets/{}/history", cast.wallet);
    let history = cast.world.get(&cast.ann, &history).await.ok(200);
    assert_eq!(history["items"].as_array().map(Vec::len), Some(2));
    cast.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_line_is_spent_to_its_last_cent_and_a_debit_wallet_has_none() {
    let cast = cast().await;
    let line = |amount: &str| json!({"amount": amount, "currency": "EUR", "reason": "as agreed"});
    let out = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let over = cast.order(&cast.ann, "withdraw", &out("100.01")).await;
    over.refused(422, "insufficient_funds", "a debit wallet");
    let others = [Role::Customer, Role::Merchant, Role::Analyst, Role::Finance];
    cast.is_for_none_of("credit-limit", &line("500.00"), &others)
        .await;
    let given = cast
        .order(&cast.staff, "credit-limit", &line("500"))
        .await
        .ok(200);
    assert_eq!(given["credit_limit"], "500.00");
    let over = cast.order(&cast.ann, "withdraw", &out("600.01")).await;
    over.refused(422, "insufficient_funds", "a cent beyond the line");
    cast.order(&cast.ann, "withdraw", &out("600.00"))
        .await
        .ok(201);
    let over = cast.order(&cast.ann, "withdraw", &out("0.01")).await;
    over.refused(422, "insufficient_funds", "the line is used up");
    let balance = cast.shown().await["balances"][0].clone();
    assert_eq!(
        (&balance["posted"], &balance["credit_limit"]),
        (&json!("-500.00"), &json!("500.00"))
    );

    // The database says so too, to everybody.
    let beyond = sqlx::query("UPDATE ledger.balances SET posted = -500.01 WHERE posted = -500.00")
        .execute(&cast.world.owner)
        .await
        .expect_err("beyond the line");
    assert!(
        beyond.to_string().contains("balance_stays_above_its_floor"),
        "{beyond}"
    );
    for amount in ["499.99", "0"] {
        let cut = cast.order(&cast.staff, "credit-limit", &line(amount)).await;
        cut.refused(409, "credit_in_use", amount);
    }
    cast.order(&cast.staff, "deposit", &out("500.00"))
        .await
        .ok(201);
    cast.order(&cast.staff, "credit-limit", &line("0"))
        .await
        .ok(200);
    let over = cast.order(&cast.ann, "withdraw", &out("0.01")).await;
    over.refused(422, "insufficient_funds", "a debit wallet again");
    cast.world.close().await;
}
