//! `florin up`: what it starts, says and leaves behind.

use std::os::unix::fs::PermissionsExt as _;

use florin::api_client::Movement;
use local_servers::{Signal, is_running};

use crate::SOON;
use crate::fleet::{TestFleet, open, ran};

/// Every service, in order of the name.
const SERVICES: [&str; 4] = [
    "analytics-worker",
    "fraud-worker",
    "ledger-api",
    "settlement-worker",
];

#[tokio::test]
async fn a_fleet_moves_money_and_its_statistics_show_it() {
    let mut fleet = TestFleet::start(&[]).await;
    let endpoints = fleet.endpoints();
    let names: Vec<_> = endpoints.services.keys().map(String::as_str).collect();
    assert_eq!(names, SERVICES);
    assert!(
        endpoints.http.starts_with("http://127.0.0.1:"),
        "{}",
        endpoints.http
    );
    assert!(endpoints.nats.starts_with("nats://") && endpoints.postgres.starts_with("postgres://"));
    let processes = fleet.processes();
    assert_eq!(processes.len(), 6);
    assert!(processes.iter().all(|pid| is_running(*pid)));
    for service in endpoints.services.values() {
        for page in ["metrics", "healthz", "readyz"] {
            let url = format!("http://{}/{page}", service.admin);
            let answer = reqwest::get(url).await.expect("an answer");
            assert!(answer.status().is_success(), "{page}: {}", answer.status());
        }
    }

    let client = fleet.client();
    let (ann, bob) = (open(&client, "ann").await, open(&client, "bob").await);
    client
        .deposit("top-up", ann.id, &Movement::of("100.00", "EUR"))
        .await
        .expect("a deposit");
    let transfer = Movement::of("25.50", "EUR").to(bob.id);
    let posted = client
        .transfer("pay-back", ann.id, &transfer)
        .await
        .expect("a transfer")
        .body;
    let again = client
        .transfer("pay-back", ann.id, &transfer)
        .await
        .expect("a replay");
    assert!(again.replayed && again.body == posted);

    let stats = testkit::eventually("the worker has counted the transfer", SOON, async || {
        let stats = client
            .stats(bob.id)
            .await
            .map_err(|error| error.to_string())?;
        if stats.as_of_seq >= posted.seq {
            Ok(stats)
        } else {
            Err(format!("{stats:?}"))
        }
    })
    .await;
    let received = &stats.balances[0].transferred_in;
    assert_eq!(
        (received.count, received.amount.to_string().as_str()),
        (1, "25.50")
    );

    assert!(fleet.end(Signal::Int).success(), "{}", fleet.said());
    assert!(
        processes.iter().all(|pid| !is_running(*pid)),
        "{}",
        fleet.said()
    );
    assert!(!fleet.data().join("endpoints.json").exists());
}

#[tokio::test]
async fn a_stopped_fleet_starts_again_with_its_money_and_keys() {
    let mut fleet = TestFleet::start(&[]).await;
    let client = fleet.client();
    let ann = open(&client, "ann").await;
    client
        .deposit("top-up", ann.id, &Movement::of("7", "EUR"))
        .await
        .expect("a deposit");
    let key = std::fs::read(fleet.data().join("jwt-private.pem")).expect("a key");
    fleet.end(Signal::Term);

    let fleet = fleet.again(&[]).await;
    let ann = fleet.client().wallet(ann.id).await.expect("the wallet");
    assert_eq!(ann.balances[0].posted.to_string(), "7.00");
    assert_eq!(
        std::fs::read(fleet.data().join("jwt-private.pem")).expect("a key"),
        key
    );
}

#[tokio::test]
async fn several_processes_of_a_service_share_the_books() {
    let services = SERVICES.map(|service| format!("--{service}"));
    let two_of_each: Vec<&str> = services.iter().flat_map(|of| [of.as_str(), "2"]).collect();
    let fleet = TestFleet::start(&two_of_each).await;
    let endpoints = fleet.endpoints();
    assert_eq!(endpoints.services.len(), 8);
    let first = fleet.client();
    let ann = open(&first, "ann").await;
    let second = endpoints.services["ledger-api-2"]
        .http
        .clone()
        .expect("an address");
    assert_ne!(second, endpoints.http);
    let token = ran(&["token", "--role", "operator", "--data", &fleet.data_text()]).stdout;
    let token = String::from_utf8(token).expect("a token").trim().to_owned();
    let second = florin::api_client::ApiClient::new(&second, token).expect("a client");
    assert_eq!(
        second.wallet(ann.id).await.expect("the same wallet").owner,
        "ann"
    );
}

#[tokio::test]
async fn a_second_fleet_on_one_directory_is_refused() {
    let fleet = TestFleet::start(&[]).await;
    let second = ran(&["up", "--http", "127.0.0.1:0", "--data", &fleet.data_text()]);
    assert_eq!(second.status.code(), Some(2));
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(words.contains("a fleet already runs on"), "{words}");
    assert!(words.contains(&format!("pid {}", fleet.up.id())), "{words}");
    assert!(fleet.processes().iter().all(|pid| is_running(*pid)));
}

#[tokio::test]
async fn secrets_are_readable_by_their_owner_alone() {
    let fleet = TestFleet::start(&[]).await;
    for name in ["endpoints.json", "passwords.json", "jwt-private.pem"] {
        let metadata = std::fs::metadata(fleet.data().join(name)).expect(name);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let passwords = std::fs::read(fleet.data().join("passwords.json")).expect("passwords");
    let passwords: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(&passwords).expect("JSON");
    let arguments = std::process::Command::new("ps")
        .args(["-eo", "args"])
        .output()
        .expect("ps");
    let arguments = String::from_utf8_lossy(&arguments.stdout).into_owned();
    assert!(
        passwords
            .values()
            .all(|password| !arguments.contains(password.as_str()))
    );
}

#[tokio::test]
async fn a_fleet_uses_the_servers_it_is_given() {
    let servers = testkit::own_servers(true).await;
    let (database, nats) = (servers.postgres.url("postgres"), servers.nats.url());
    let given = [
        "--database-url",
        &database,
        "--nats-url",
        &nats,
        "--prefix",
        "given",
    ];
    let mut fleet = TestFleet::start(&given).await;
    let endpoints = fleet.endpoints();
    assert_eq!((&endpoints.postgres, &endpoints.nats), (&database, &nats));
    assert!(endpoints.servers.postgres.is_none() && endpoints.servers.nats.is_none());

    let client = fleet.client();
    let ann = open(&client, "ann").await;
    let movement = Movement::of("3", "EUR");
    let posted = client
        .deposit("top-up", ann.id, &movement)
        .await
        .expect("a deposit")
        .body;
    testkit::eventually("the worker has counted the deposit", SOON, async || {
        let stats = client
            .stats(ann.id)
            .await
            .map_err(|error| error.to_string())?;
        if stats.as_of_seq >= posted.seq {
            Ok(())
        } else {
            Err(format!("{stats:?}"))
        }
    })
    .await;
    let topology = ran(&["topology", "show", "--data", &fleet.data_text(), "--json"]);
    let shown = String::from_utf8_lossy(&topology.stdout).into_owned();
    assert!(
        topology.status.success() && shown.contains("given_LEDGER"),
        "{shown}"
    );
    fleet.end(Signal::Term);
    assert!(is_running(servers.postgres.pid()) && is_running(servers.nats.pid()));
}
