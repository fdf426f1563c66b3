//! Who may do what: every role on every route, from the tables that the ledger itself uses.

use ledger_api::auth::{Permission, ROUTES, Role, RouteRule};
use serde_json::{Value, json};

use crate::world::{Reply, World, claims, fresh_key};

/// Sends to a route what it would take of a `bearer` who owns `owner`'s wallets.
async fn call(
    world: &World,
    rule: &RouteRule,
    (bearer, owner): (Role, &str),
    wallets: &Wallets,
) -> Reply {
    let token = &token(world, bearer, owner);
    let path = path_of(rule, wallets);
    if rule.method == "GET" {
        return world.get(token, &path).await;
    }
    let body = body_of(rule, bearer, wallets);
    world.write(token, &path, &body).await
}

/// The route with the ids of what it is about.
pub fn path_of(rule: &RouteRule, wallets: &Wallets) -> String {
    let id = match rule.permission {
        Permission::AlertsRead => "alt_0190aaaaaaaa7bbbbbbbcccccccccccc",
        Permission::SettlementsRead => "stl_0190aaaaaaaa7bbbbbbbcccccccccccc",
        Permission::DeadLettersRead | Permission::DeadLettersAct => {
            "dlt_0190aaaaaaaa7bbbbbbbcccccccccccc"
        }
        Permission::PaymentsRefund => &wallets.payment,
        Permission::FeesRead | Permission::FeesManage => &wallets.fee_rule,
        _ if rule.path.starts_with("/v1/holds") => &wallets.hold,
        _ if rule.path.starts_with("/v1/exchange/quotes/") => &wallets.quote,
        _ if rule.path.starts_with("/v1/transactions/") => &wallets.transaction,
        _ => &wallets.own,
    };
    // What a change leaves behind is nobody else's account.
    let account = if rule.method == "GET" {
        "ann".to_owned()
    } else {
        fresh_key()
    };
    let path = rule.path.replace("{id}", id).replace("{owner}", &account);
    if path.ends_with("/statement") {
        format!("{path}?currency=EUR")
    } else if (rule.method, rule.path) == ("GET", "/v1/holds") {
        format!("{path}?wallet={}", wallets.own)
    } else {
        path
    }
}

/// What the route would take.
pub fn body_of(rule: &RouteRule, bearer: Role, wallets: &Wallets) -> Value {
    let amount = json!({"amount": "0.01", "currency": "EUR"});
    let with = |mut body: Value, more: &[(&str, &str)]| {
        for (field, value) in more {
            body[*field] = json!(value);
        }
        body
    };
    match rule.permission {
        Permission::WalletsCreate => {
            let kind = if bearer == Role::Merchant {
                "merchant"
            } else {
                "customer"
            };
            json!({"owner": "ann", "kind": kind})
        }
        Permission::SettlementsCut => json!({"merchant": wallets.merchant}),
        Permission::MoneyTransfer => with(amount, &[("to_wallet", &wallets.other)]),
        Permission::MoneyPay => with(
            amount,
            &[
                ("wallet", &wallets.own),
                ("merchant", &wallets.merchant),
                ("order_reference", "order"),
            ],
        ),
        Permission::MoneyBatch => {
            let own = [
                ("key", fresh_key()),
                ("type", "withdraw".to_owned()),
                ("wallet", wallets.own.clone()),
            ];
            let own: Vec<(&str, &str)> = own.iter().map(|(k, v)| (*k, v.as_str())).collect();
            json!({"operations": [with(amount, &own)]})
        }
        Permission::RatesSet => {
            let rate =
                json!({"base": "EUR", "quote": "USD", "rate": "1.25", "as_of": "2026-01-02"});
            json!({"source": "desk", "rates": [rate]})
        }
        Permission::MoneyExchange if rule.path == "/v1/exchange" => {
            json!({"wallet": wallets.own, "quote": wallets.quote})
        }
        Permission::MoneyExchange => {
            json!({"wallet": wallets.own, "from": "EUR", "to": "USD", "amount": "0.01"})
        }
        Permission::HoldsPlace => with(amount, &[("wallet", &wallets.own)]),
        Permission::HoldsCapture => json!({"amount": "0.01"}),
        Permission::WalletsCredit | Permission::MoneyAdjust => {
            with(amount, &[("reason", "a reason")])
        }
        Permission::FeesManage if !rule.path.ends_with("/deactivate") => fee_rule(),
        Permission::AccountsRisk => json!({"level": "high", "reason": "a reason"}),
        Permission::AccountsManage if rule.path.ends_with("/kyc-level") => {
            json!({"level": "basic", "reason": "a reason"})
        }
        Permission::MoneyDeposit | Permission::MoneyWithdraw => amount,
        // All others change something's state.
        _ => json!({"reason": "a reason"}),
    }
}

/// Fresh things for every route to be about.
pub struct Wallets {
    own: String,
    other: String,
    merchant: String,
    transaction: String,
    /// Of the other wallet's money, in favour of one's own.
    hold: String,
    /// A price for some money of `own`.
    quote: String,
    /// A payment to a wallet of `ann`.
    payment: String,
    fee_rule: String,
}

/// Of a currency that nothing here moves.
fn fee_rule() -> Value {
    json!({"kinds": ["deposit"], "currency": "JPY", "fixed": "1"})
}

impl Wallets {
    /// Makes what the route is about, when it is about no wallet.
    pub async fn prepare(&mut self, world: &World, rule: &RouteRule) {
        let (staff, id) = (world.staff(), |body: Value| {
            body["id"].as_str().map(str::to_owned)
        });
        match rule.permission {
            Permission::PaymentsRefund => {
                let shop = world.wallet("ann", "merchant").await;
                let body = json!({"wallet": self.own, "merchant": shop, "amount": "1.00",
                                  "currency": "EUR", "order_reference": "order"});
                let paid = world.write(&staff, "/v1/payments", &body).await.ok(201);
                self.payment = id(paid).expect("an id");
            }
            Permission::FeesRead | Permission::FeesManage if rule.path.contains("{id}") => {
                let made = world
                    .write(&staff, "/v1/fee-rules", &fee_rule())
                    .await
                    .ok(201);
                self.fee_rule = id(made).expect("an id");
            }
            _ => {}
        }
    }
}

pub async fn wallets(world: &World) -> Wallets {
    let own = world.wallet_with("ann", "100.00", "EUR").await;
    let other = world.wallet_with("bob", "100.00", "EUR").await;
    let body = json!({"wallet": other, "to_wallet": own, "amount": "1.00", "currency": "EUR"});
    let hold = world
        .write(&world.staff(), "/v1/holds", &body)
        .await
        .ok(201);
    let history = format!("/v1/wallets/{own}/history");
    let history = world.get(&world.staff(), &history).await.ok(200);
    super::rates::set(world, &["EUR/USD 1.25"]).await;
    let body = json!({"wallet": own, "from": "EUR", "to": "USD", "amount": "1.00"});
    let quote = world
        .write(&world.staff(), "/v1/exchange/quotes", &body)
        .await
        .ok(201);
    Wallets {
        own,
        other,
        quote: quote["id"].as_str().expect("an id").to_owned(),
        transaction: history["items"][0]["id"]
            .as_str()
            .expect("an id")
            .to_owned(),
        merchant: world.wallet("shop", "merchant").await,
        payment: "txn_0190aaaaaaaa7bbbbbbbcccccccccccc".to_owned(),
        fee_rule: "fee_0190aaaaaaaa7bbbbbbbcccccccccccc".to_owned(),
        hold: hold["id"].as_str().expect("an id").to_owned(),
    }
}

fn token(world: &World, role: Role, owner: &str) -> String {
    let owns = matches!(role, Role::Customer | Role::Merchant);
    world.token(role, if owns { owner } else { "" })
}

/// What a route answers to those who may, about a fresh wallet with money. No worker runs in these
/// tests.
fn good_status(rule: &RouteRule) -> u16 {
    match rule.path {
        "/v1/wallets/{id}/freeze"
        | "/v1/wallets/{id}/block"
        | "/v1/wallets/{id}/credit-limit"
        | "/v1/holds/{id}/void"
        | "/v1/fee-rules/{id}/deactivate" => 200,
        // It is neither frozen nor blocked nor empty.
        "/v1/accounts/{owner}/resume" | "/v1/accounts/{owner}/unfreeze" => 409,
        path if path.starts_with("/v1/accounts/") => 200,
        "/v1/wallets/{id}/unfreeze" | "/v1/wallets/{id}/unblock" | "/v1/wallets/{id}/close" => 409,
        path if path.ends_with("/stats") || path.starts_with("/v1/alerts") => 503,
        path if path.starts_with("/v1/settlements") => 503,
        path if path.starts_with("/v1/dead-letters/") => 503,
        "/v1/batches" => 200,
        _ if rule.method == "POST" => 201,
        _ => 200,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_do_on_every_route_what_the_tables_say() {
    let world = World::start().await;
    for rule in ROUTES {
        for role in Role::ALL {
            let mut wallets = wallets(&world).await;
            wallets.prepare(&world, rule).await;
            let about = format!("{} {} {}", role.as_str(), rule.method, rule.path);
            let before = world.rows().await;
            let reply = call(&world, rule, (*role, "ann"), &wallets).await;
            if role.may(rule.permission) {
                assert_eq!(reply.status, good_status(rule), "{about}: {}", reply.text);
            } else {
                reply.refused(403, "forbidden", about);
                assert_eq!(world.rows().await, before);
            }
        }
    }
    world.close().await;
}

/// Routes that lead to nobody's wallet: lists, which show one's own only, and what one opens for
/// oneself. Every other route is tried on the wallet of somebody else.
const NAME_NO_WALLET: &[(&str, &str)] = &[
    ("POST", "/v1/wallets"),
    ("GET", "/v1/wallets"),
    ("GET", "/v1/transactions"),
    ("POST", "/v1/rates"),
    ("GET", "/v1/rates"),
    ("GET", "/v1/alerts"),
    ("POST", "/v1/settlements/batches"),
    ("GET", "/v1/settlements/batches"),
    ("GET", "/v1/settlements/breaks"),
    ("GET", "/v1/dead-letters"),
];

#[tokio::test(flavor = "multi_thread")]
async fn those_who_own_wallets_reach_no_wallet_of_others_on_any_route() {
    let world = World::start().await;
    let wallets = wallets(&world).await;
    let before = world.rows().await;
    for rule in ROUTES
        .iter()
        .filter(|rule| !NAME_NO_WALLET.contains(&(rule.method, rule.path)))
    {
        for role in [Role::Customer, Role::Merchant] {
            let about = format!("{} {} {}", role.as_str(), rule.method, rule.path);
            let reply = call(&world, rule, (role, "eve"), &wallets).await;
            if role.may(rule.permission) {
                reply.refused(404, "not_found", about);
            } else {
                reply.refused(403, "forbidden", about);
            }
        }
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_are_opened_for_oneself_unless_one_is_staff() {
    let world = World::start().await;
    let body = json!({"owner": "bob", "kind": "customer"});
    for role in Role::ALL {
        let before = world.rows().await;
        let reply = world
            .write(&token(&world, *role, "ann"), "/v1/wallets", &body)
            .await;
        if role.may(Permission::WalletsCreateAny) {
            assert_eq!(reply.ok(201)["owner"], "bob");
        } else {
            reply.refused(403, "forbidden", role.as_str());
            assert_eq!(world.rows().await, before);
        }
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cannot_become_a_merchant_by_opening_a_wallet() {
    let world = World::start().await;
    let before = world.rows().await;
    for (role, kind) in [(Role::Customer, "merchant"), (Role::Merchant, "customer")] {
        let body = json!({"owner": "ann", "kind": kind});
        let reply = world
            .write(&token(&world, role, "ann"), "/v1/wallets", &body)
            .await;
        reply.refused(403, "forbidden", role.as_str());
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_may_say_when_a_movement_counts() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/withdraw");
    let body =
        json!({"amount": "1.00", "currency": "EUR", "effective_at": "2020-02-29T12:00:00+01:00"});
    for role in [Role::Customer, Role::Operator, Role::Service, Role::Admin] {
        let reply = world.write(&token(&world, role, "ann"), &path, &body).await;
        if role.may(Permission::MoneyBackdate) {
            assert_eq!(reply.ok(201)["effective_at"], "2020-02-29T11:00:00Z");
        } else {
            reply.refused(403, "forbidden", role.as_str());
        }
    }
    world.close().await;
}

/// Keys are scoped to the caller: another one's key is free, and says nothing about the answer
/// that is stored under it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_caller_replays_nothing() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "100.00", "EUR").await;
    let bob = world.wallet_with("bob", "100.00", "EUR").await;
    let body = json!({"amount": "1.00", "currency": "EUR"});
    let path = |wallet: &str| format!("/v1/wallets/{wallet}/withdraw");
    world
        .post(&world.customer("ann"), &path(&ann), "same", &body)
        .await
        .ok(201);
    let reply = world
        .post(&world.customer("bob"), &path(&bob), "same", &body)
        .await;
    assert_eq!(reply.ok(201)["legs"][0]["wallet"], json!(bob));
    assert_eq!(reply.header("idempotent-replayed"), "");
    let stolen = world
        .post(&world.customer("bob"), &path(&ann), "same", &body)
        .await;
    stolen.refused(404, "not_found", "another's wallet under another's key");
    world.close().await;
}

/// An answer is stored as its first caller may see it. Somebody of the same name who may see
/// less gets nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_stored_for_staff_is_not_replayed_to_a_customer_of_the_same_name() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "100.00", "EUR").await;
    let bob = world.wallet_with("bob", "77.00", "EUR").await;
    let path = format!("/v1/wallets/{ann}/transfer");
    let body = json!({"amount": "1.00", "currency": "EUR", "to_wallet": bob});
    let mut staff = claims(Role::Operator, "");
    staff["sub"] = json!("ann");
    let staff = world.keys.sign(&staff);
    let answer = world.post(&staff, &path, "same", &body).await;
    assert_eq!(answer.ok(201)["legs"][1]["balance_after"], "78.00");
    let reply = world
        .post(&world.customer("ann"), &path, "same", &body)
        .await;
    reply.refused(422, "idempotency_key_reused", "who sees less");
    assert!(!reply.text.contains("78.00"), "{}", reply.text);
    let again = world.post(&staff, &path, "same", &body).await;
    assert_eq!(again.text, answer.text);
    world.close().await;
}
