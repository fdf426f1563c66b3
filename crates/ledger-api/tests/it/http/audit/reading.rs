//! Who may read the audit trail, and what they find.

use ledger_api::auth::Role;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_read_newest_first_by_those_who_may() {
    let world = World::start().await;
    let staff = world.staff();
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let other = world.wallet_with("bob", "10.00", "EUR").await;
    let ann = world.customer("ann");
    for amount in ["1.00", "2.00", "99.00"] {
        let body = json!({"amount": amount, "currency": "EUR"});
        let path = format!("/v1/wallets/{wallet}/withdraw");
        world.write(&ann, &path, &body).await;
    }
    let read = async |query: &str| {
        let page = world
            .get(&staff, &format!("/v1/audit?{query}"))
            .await
            .ok(200);
        (
            page["items"].as_array().expect("items").clone(),
            page["next_cursor"].clone(),
        )
    };
    let (all, none) = read("").await;
    assert_eq!((all.len(), none), (7, Value::Null));
    let seqs: Vec<u64> = all.iter().filter_map(|row| row["seq"].as_u64()).collect();
    assert!(seqs.is_sorted_by(|one, next| one > next), "{seqs:?}");
    assert_eq!(
        (&all[0]["code"], &all[0]["actor"]),
        (&json!("insufficient_funds"), &json!("ann"))
    );

    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let (page, next) = read(&format!("limit=2{cursor}")).await;
        walked.extend(page);
        let Some(next) = next.as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(walked, all);

    let at = all[3]["at"].as_str().expect("a time");
    for (query, rows) in [
        ("actor=ann".to_owned(), 3),
        ("actor=nobody".to_owned(), 0),
        (format!("wallet={wallet}"), 5),
        (format!("wallet={other}"), 2),
        ("status=422".to_owned(), 1),
        ("status=201&actor=ann".to_owned(), 2),
        (format!("from={at}"), 4),
        (format!("to={at}"), 3),
    ] {
        assert_eq!(read(&query).await.0.len(), rows, "{query}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_about_the_trail_are_refused_and_so_are_those_who_may_not_ask() {
    let world = World::start().await;
    let staff = world.staff();
    for query in [
        "status=2000",
        "status=+20",
        "wallet=ann",
        "from=yesterday",
        "to=1",
        "actor=",
        "actor=a%00",
        "code=busy",
        "from=1969-12-31T23:59:59Z",
        "limit=0",
    ] {
        let reply = world.get(&staff, &format!("/v1/audit?{query}")).await;
        reply.refused(400, "invalid_query", query);
    }
    for role in Role::ALL {
        let reply = world.get(&world.token(*role, "ann"), "/v1/audit").await;
        let may = matches!(
            role,
            Role::Operator | Role::Service | Role::Finance | Role::Admin
        );
        assert_eq!(
            reply.status,
            if may { 200 } else { 403 },
            "{}",
            role.as_str()
        );
    }
    world.close().await;
}
