//! Small commands, and how they end.

use florin::token::Role;
use ledger_api::auth::TokenVerifier;
use service_runtime::Clock;

use crate::fleet::ran;

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_token_is_printed_alone_and_the_ledger_takes_it() {
    let directory = tempfile::tempdir().expect("tempdir");
    florin::token::ensure_keys(directory.path()).expect("keys");
    let data = directory.path().display().to_string();
    let output = ran(&[
        "token", "--role", "customer", "--owner", "ann", "--ttl", "2h", "--data", &data,
    ]);
    assert!(output.status.success(), "{}", said(&output.stderr));
    let printed = said(&output.stdout);
    let token = printed.strip_suffix('\n').expect("one line");

    let public = std::fs::read(directory.path().join("jwt-public.pem")).expect("a public key");
    let verifier = TokenVerifier::from_pem(&public).expect("a public key");
    let now = Clock::system().now();
    let (principal, expires) = verifier.verify(token, now).expect("a good token");
    assert_eq!(
        (principal.role, principal.owner.as_str()),
        (Role::Customer, "ann")
    );
    assert_eq!(principal.subject, "ann");
    let lasts = expires - now.timestamp();
    assert!((7_190..=7_200).contains(&lasts), "{lasts}");

    let key = directory
        .path()
        .join("jwt-private.pem")
        .display()
        .to_string();
    let output = ran(&["token", "--role", "admin", "--sub", "me", "--key", &key]);
    let (principal, _) = verifier
        .verify(said(&output.stdout).trim(), now)
        .expect("a good token");
    assert_eq!(
        (principal.role, principal.subject.as_str()),
        (Role::Admin, "me")
    );
}

#[test]
fn exit_codes_tell_usage_from_no_fleet() {
    let directory = tempfile::tempdir().expect("tempdir");
    let data = directory.path().display().to_string();
    for (arguments, code) in [
        (&["--version"][..], 0),
        (&["serve", "ledger-api", "--help"], 0),
        (&["no-such-command"], 2),
        (&["token", "--role", "king", "--data", &data], 2),
        (&["token", "--role", "customer", "--data", &data], 2),
        (&["token", "--role", "admin", "--key", "/nonexistent"], 2),
        (&["token", "--role", "admin", "--data", &data], 3),
        (&["up", "--http", "nonsense"], 2),
        (&["topology", "--data", &data], 3),
        (
            &["topology", "reset", "--nats-url", "nats://127.0.0.1:1"],
            2,
        ),
        (
            &["topology", "apply", "--nats-url", "nats://127.0.0.1:1"],
            3,
        ),
        (&["simulate", "--data", &data], 3),
        (&["dlq", "list", "--data", &data], 3),
        (&["dlq", "show", "wal_1", "--data", &data], 2),
        (&["dlq", "replay", "--all", "--data", &data], 2),
        (&["dlq", "replay", "--reason", "x", "--data", &data], 2),
        (
            &["dlq", "discard", "--all", "--reason", " ", "--data", &data],
            2,
        ),
        (
            &["dlq", "replay", "--all", "--rate", "0", "--reason", "x"],
            2,
        ),
        (
            &["dlq", "discard", "--all", "--reason", "x", "--data", &data],
            3,
        ),
        (&["migrate"], 2),
        (
            &[
                "migrate",
                "--database-url",
                "postgres://nobody@127.0.0.1:1/none",
            ],
            3,
        ),
    ] {
        let output = ran(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            said(&output.stderr)
        );
        if code != 0 {
            assert!(
                output.stdout.is_empty(),
                "{arguments:?}: {}",
                said(&output.stdout)
            );
            assert!(!output.stderr.is_empty(), "{arguments:?} says nothing");
        }
    }
}

#[test]
fn a_taken_port_is_told_before_anything_starts() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let http = taken.local_addr().expect("an address").to_string();
    let directory = tempfile::tempdir().expect("tempdir");
    let data = directory.path().display().to_string();
    let output = ran(&["up", "--http", &http, "--data", &data]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output.stderr).contains("--http"),
        "{}",
        said(&output.stderr)
    );
    assert!(!directory.path().join("postgres").exists());
}
