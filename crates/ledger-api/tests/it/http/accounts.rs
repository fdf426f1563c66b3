//! Accounts over HTTP: who sees them, who changes them, and what limits look like.

use ledger_api::auth::Role;
use serde_json::{Value, json};

use crate::world::World;

fn because(level: &str) -> Value {
    json!({"level": level, "reason": "because"})
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_shown_as_they_are_kept() {
    let world = World::start().await;
    let (staff, ann) = (world.staff(), world.customer("ann"));
    let wallet = world.wallet_with("ann", "5000.00", "USD").await;
    let path = "/v1/accounts/ann/limits";
    let none = world.get(&ann, path).await.ok(200);
    assert_eq!(
        (&none["kyc_level"], &none["currencies"]),
        (&json!(null), &json!([]))
    );

    let withdraw = format!("/v1/wallets/{wallet}/withdraw");
    let dollars = |amount: &str| json!({"amount": amount, "currency": "USD"});
    world.write(&ann, &withdraw, &dollars("1.50")).await.ok(201);
    let set = world
        .write(&staff, "/v1/accounts/ann/kyc-level", &because("none"))
        .await
        .ok(200);
    assert_eq!(
        (&set["owner"], &set["kyc_level"]),
        (&json!("ann"), &json!("none"))
    );
    world.write(&ann, &withdraw, &dollars("98.5")).await.ok(201);
    let set = world
        .write(
            &world.token(Role::Analyst, ""),
            "/v1/accounts/ann/risk-level",
            &because("high"),
        )
        .await
        .ok(200);
    assert_eq!(
        (&set["kyc_level"], &set["risk_level"]),
        (&json!("none"), &json!("high"))
    );

    let limits = world.get(&ann, path).await.ok(200);
    let dollar = &limits["currencies"][0];
    assert_eq!(dollar["currency"], "USD");
    assert_eq!(dollar["transaction"], json!({"limit": "1000.00"}));
    let told = |window: &Value| {
        let at = |name: &str| window[name].as_str().expect("a text").to_owned();
        [at("limit"), at("used"), at("remaining")]
    };
    assert_eq!(told(&dollar["day"]), ["1000.00", "100.00", "900.00"]);
    assert_eq!(told(&dollar["month"]), ["5000.00", "100.00", "4900.00"]);
    for window in ["day", "month"] {
        let ends = dollar[window]["resets_at"].as_str().expect("a time");
        assert!(ends.ends_with("T00:00:00Z") && ends > limits["as_of"].as_str().expect("a time"));
    }
    let by_wallet = format!("/v1/wallets/{wallet}/limits");
    let by_wallet = world.get(&ann, &by_wallet).await.ok(200);
    assert_eq!(by_wallet["currencies"], limits["currencies"]);

    let refused = world.write(&ann, &withdraw, &dollars("900.01")).await;
    refused.refused(422, "limit_exceeded", "a cent more than is left");
    let problem = refused.json();
    assert_eq!(problem["limit"]["window"], "day");
    assert_eq!(told(&problem["limit"]), ["1000.00", "100.00", "900.00"]);
    assert_eq!(problem["limit"]["resets_at"], dollar["day"]["resets_at"]);
    assert_eq!(
        problem["detail"],
        "the account may spend 1000.00 USD per day, of which 900.00 are left"
    );
    world.write(&ann, &withdraw, &dollars("900")).await.ok(201);
    let limits = world.get(&ann, path).await.ok(200);
    assert_eq!(
        told(&limits["currencies"][0]["day"]),
        ["1000.00", "1000.00", "0.00"]
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_goes_through_its_states_and_its_wallets_with_it() {
    let world = World::start().await;
    let (staff, ann) = (world.staff(), world.customer("ann"));
    let wallet = world.wallet("ann", "customer").await;
    let account = |verb: &str| format!("/v1/accounts/ann/{verb}");
    let why = json!({"reason": "because"});
    let status = async |verb: &str| world.write(&staff, &account(verb), &why).await;
    let born = world.get(&ann, "/v1/accounts/ann").await.ok(200);
    assert_eq!(
        (&born["status"], &born["frozen"]),
        (&json!("active"), &json!(false))
    );

    let deposit = format!("/v1/wallets/{wallet}/deposit");
    let euro = json!({"amount": "1.00", "currency": "EUR"});
    assert_eq!(status("suspend").await.ok(200)["status"], "suspended");
    status("suspend")
        .await
        .refused(409, "status_unchanged", "again");
    let refused = world.write(&staff, &deposit, &euro).await;
    refused.refused(403, "wallet_suspended", "a deposit");
    let opened = json!({"owner": "ann", "kind": "customer"});
    let opened = world.write(&ann, "/v1/wallets", &opened).await.ok(201);
    assert_eq!(opened["status"], "suspended");
    assert_eq!(status("resume").await.ok(200)["status"], "active");
    world.write(&staff, &deposit, &euro).await.ok(201);

    assert_eq!(status("freeze").await.ok(200)["frozen"], true);
    let withdraw = format!("/v1/wallets/{wallet}/withdraw");
    let refused = world.write(&ann, &withdraw, &euro).await;
    refused.refused(403, "wallet_frozen", "a withdrawal");
    let seen = world
        .get(&ann, &format!("/v1/wallets/{wallet}"))
        .await
        .ok(200);
    assert_eq!(seen["status"], "frozen");
    // The wallet by itself is not frozen, so there is nothing to take back.
    let unfreeze = format!("/v1/wallets/{wallet}/unfreeze");
    let refused = world.write(&staff, &unfreeze, &why).await;
    refused.refused(
        409,
        "status_unchanged",
        "the account's freeze is not the wallet's",
    );
    assert_eq!(status("unfreeze").await.ok(200)["frozen"], false);

    status("close")
        .await
        .refused(409, "account_not_empty", "a euro is left");
    world.write(&ann, &withdraw, &euro).await.ok(201);
    assert_eq!(status("close").await.ok(200)["status"], "closed");
    for verb in ["close", "suspend", "resume", "freeze", "unfreeze"] {
        status(verb).await.refused(409, "account_closed", verb);
    }
    let refused = world
        .write(&staff, &account("kyc-level"), &because("basic"))
        .await;
    refused.refused(409, "account_closed", "a level");
    let seen = world
        .get(&ann, &format!("/v1/wallets/{wallet}"))
        .await
        .ok(200);
    assert_eq!(seen["status"], "closed");
    let body = json!({"owner": "ann", "kind": "customer"});
    let refused = world.write(&ann, "/v1/wallets", &body).await;
    refused.refused(409, "account_closed", "a new wallet");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_any_name_has_one_account_and_sees_it_alone() {
    let world = World::start().await;
    let staff = world.staff();
    for (owner, encoded) in [
        ("a/b c", "a%2Fb%20c"),
        ("100%", "100%25"),
        ("zoë?", "zo%C3%AB%3F"),
        ("limits", "limits"),
    ] {
        world.wallet(owner, "customer").await;
        let body = json!({"level": "basic", "document_reference": "case 7", "reason": "because"});
        let path = format!("/v1/accounts/{encoded}");
        let set = world
            .write(&staff, &format!("{path}/kyc-level"), &body)
            .await;
        assert_eq!(set.ok(200)["owner"], owner);
        let seen = world.get(&world.customer(owner), &path).await.ok(200);
        assert_eq!(
            (&seen["owner"], &seen["kyc_level"]),
            (&json!(owner), &json!("basic"))
        );
        assert_eq!(seen["document_reference"], "case 7");
        for tail in ["", "/limits"] {
            let reply = world
                .get(&world.customer("eve"), &format!("{path}{tail}"))
                .await;
            reply.refused(404, "not_found", "somebody else's");
        }
    }
    for nobody in ["nobody", "%00", "%FF", &"x".repeat(256)] {
        let reply = world.get(&staff, &format!("/v1/accounts/{nobody}")).await;
        reply.refused(404, "not_found", nobody);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_not_changed_by_bad_values() {
    let world = World::start().await;
    let staff = world.staff();
    world.wallet("ann", "customer").await;
    let before = world.rows().await;
    let level = |level: Value| json!({"level": level, "reason": "because"});
    for (verb, body, status, code) in [
        ("kyc-level", level(json!("None")), 400, "invalid_field"),
        ("kyc-level", level(json!("low")), 400, "invalid_field"),
        ("kyc-level", level(json!(null)), 400, "invalid_field"),
        ("kyc-level", json!({"level": "basic"}), 400, "invalid_field"),
        (
            "kyc-level",
            json!({"level": "basic", "reason": " "}),
            422,
            "invalid_text",
        ),
        (
            "kyc-level",
            json!({"level": "basic", "reason": "r", "document_reference": ""}),
            422,
            "invalid_text",
        ),
        ("risk-level", level(json!("none")), 400, "invalid_field"),
        ("risk-level", level(json!(1)), 400, "invalid_field"),
        ("suspend", json!({}), 400, "invalid_field"),
        (
            "suspend",
            json!({"reason": "r", "owner": "bob"}),
            400,
            "invalid_field",
        ),
        ("close", json!({"reason": "a\u{0}b"}), 422, "invalid_text"),
        (
            "freeze",
            json!({"reason": "x".repeat(501)}),
            422,
            "invalid_text",
        ),
    ] {
        let path = format!("/v1/accounts/ann/{verb}");
        let reply = world.write(&staff, &path, &body).await;
        reply.refused(status, code, format!("{path} {body}"));
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}
