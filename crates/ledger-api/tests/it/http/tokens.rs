//! Who is let in: tokens of our issuer, signed with the one algorithm, and nothing else.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ledger_api::auth::{ROUTES, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Keys, World, claims};

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

fn bad_tokens(world: &World) -> Vec<(&'static str, String)> {
    let good = claims(Role::Admin, "");
    let token = world.keys.sign(&good);
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let now = good["iat"].as_i64().expect("seconds");
    let with = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        world.keys.sign(&claims)
    };
    let none = |alg: &str| {
        format!(
            "{}.{}.",
            part(&json!({"alg": alg, "typ": "JWT"})),
            part(&good)
        )
    };
    let secret = EncodingKey::from_secret(world.keys.public_pem.as_bytes());
    let hs256 = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &good, &secret);
    let mut forged = good.clone();
    forged["sub"] = json!("somebody");
    vec![
        ("nonsense", "nonsense".to_owned()),
        ("algorithm none", none("none")),
        ("algorithm None", none("None")),
        (
            "algorithm none, with our signature",
            format!("{}{signature}", none("none")),
        ),
        ("HS256 with the public key as secret", hs256.expect("signs")),
        ("a foreign key", Keys::new().sign(&good)),
        ("other claims under our signature", {
            let (header, _) = signed.split_once('.').expect("two parts");
            format!("{header}.{}.{signature}", part(&forged))
        }),
        ("no signature", format!("{signed}.")),
        ("expired", with("exp", json!(now - 1))),
        ("expires now", with("exp", json!(now))),
        ("expiry as text", with("exp", json!("4000000000"))),
        ("not yet issued", with("iat", json!(now + 3600))),
        ("not yet valid", with("nbf", json!(now + 3600))),
        ("another issuer", with("iss", json!("somebody"))),
        ("another audience", with("aud", json!("somebody"))),
        ("an unknown role", with("role", json!("root"))),
        ("a customer without owner", with("role", json!("customer"))),
        ("a critical extension", {
            let mut header = Header::new(Algorithm::EdDSA);
            header.crit = Some(vec!["exp".to_owned()]);
            jsonwebtoken::encode(&header, &good, &world.keys.encoding).expect("signs")
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_lets_a_bad_token_in() {
    let world = World::start().await;
    let wallet = world.wallet("ann", "customer").await;
    let before = world.rows().await;
    for rule in ROUTES {
        let method: Method = rule.method.parse().expect("a method");
        let path = rule.path.replace("{id}", &wallet);
        let request = || world.request(method.clone(), &path);
        let reply = World::send(request()).await;
        reply.refused(401, "unauthenticated", &path);
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        let basic = request().basic_auth("admin", Some("admin"));
        World::send(basic)
            .await
            .refused(401, "unauthenticated", "Basic");
        let twice = request()
            .bearer_auth(world.staff())
            .bearer_auth(world.staff());
        World::send(twice)
            .await
            .refused(401, "invalid_token", "two tokens");
        for (about, token) in bad_tokens(&world) {
            let reply = World::send(request().bearer_auth(token)).await;
            reply.refused(401, "invalid_token", format!("{about} on {path}"));
        }
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_ours_that_lacks_a_field_is_the_issuers_mistake() {
    let world = World::start().await;
    let before = world.rows().await;
    for field in ledger_api::auth::TOKEN_FIELDS {
        let mut claims = claims(Role::Admin, "");
        claims.as_object_mut().expect("an object").remove(*field);
        let reply = world.get(&world.keys.sign(&claims), "/v1/wallets").await;
        reply.refused(400, "token_field_missing", field);
        let body = json!({"owner": "ann", "kind": "customer"});
        let reply = world
            .write(&world.keys.sign(&claims), "/v1/wallets", &body)
            .await;
        reply.refused(400, "token_field_missing", field);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_is_let_in_each_time_it_comes() {
    let world = World::start().await;
    let token = world.staff();
    for _ in 0..3 {
        world.get(&token, "/v1/wallets").await.ok(200);
    }
    world.close().await;
}
