//! Corrections of balances by staff.

use ledger_api::auth::Role;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn staff_correct_a_balance_up_and_down_and_not_below_its_floor() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/adjust");
    let by = |amount: &str| json!({"amount": amount, "currency": "EUR", "reason": "miscounted"});
    let staff = world.staff();
    let up = world.write(&staff, &path, &by("2.5")).await.ok(201);
    assert_eq!(
        (&up["kind"], &up["description"]),
        (&json!("adjustment"), &json!("miscounted"))
    );
    assert_eq!(
        (&up["legs"][0]["account"], &up["legs"][0]["amount"]),
        (&json!("adjustment"), &json!("-2.50"))
    );
    assert_eq!(up["legs"][1]["balance_after"], "12.50");
    let down = world.write(&staff, &path, &by("-12.50")).await.ok(201);
    assert_eq!(
        (
            &down["legs"][0]["amount"],
            &down["legs"][0]["balance_after"]
        ),
        (&json!("-12.50"), &json!("0.00"))
    );
    let reply = world.write(&staff, &path, &by("-0.01")).await;
    reply.refused(422, "insufficient_funds", "below the floor");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_takes_one_sign_and_no_other_nonsense_and_needs_a_reason() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/adjust");
    let before = world.rows().await;
    let staff = world.staff();
    for (amount, code) in [
        ("--1", "invalid_amount"),
        ("+1", "invalid_amount"),
        ("-", "invalid_amount"),
        ("- 1", "invalid_amount"),
        ("-0", "amount_not_positive"),
        ("-0.001", "amount_too_fine"),
        ("-10000000000000.01", "amount_too_large"),
    ] {
        let body = json!({"amount": amount, "currency": "EUR", "reason": "because"});
        let reply = world.write(&staff, &path, &body).await;
        reply.refused(422, code, amount);
    }
    let body = json!({"amount": "1", "currency": "EUR", "reason": " "});
    let reply = world.write(&staff, &path, &body).await;
    reply.refused(422, "invalid_text", "no reason");
    let body = json!({"amount": "1", "currency": "EUR", "reason": "for me"});
    for role in [Role::Customer, Role::Merchant, Role::Finance, Role::Analyst] {
        let reply = world.write(&world.token(role, "ann"), &path, &body).await;
        reply.refused(403, "forbidden", role.as_str());
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}
