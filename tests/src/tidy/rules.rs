//! The table of walls. Order: what a room may not know, then what only one place may do.

use super::rooms::{Rule, Scope};

const PURE: &[&str] = &[
    "crates/*/src/domain/**",
    "crates/*/src/rules/**",
    "crates/*/src/projections/**",
    "crates/*/src/batch/**",
    "crates/*/src/auth/**",
    "crates/service-runtime/src/relay/decide.rs",
    "crates/service-runtime/src/worker/policy.rs",
    "crates/service-runtime/src/worker/trust.rs",
];
const HTTP: &[&str] = &["crates/*/src/http/**"];
const STORE: &[&str] = &["crates/*/src/store/**", "crates/*/src/store.rs"];
const POSTING: &[&str] = &["crates/*/src/posting/**"];
const CRATES: &[&str] = &["crates/**"];
const EVERYWHERE: &[&str] = &["crates/**", "tests/**"];

const SQL: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "TRUNCATE ",
    "CREATE TABLE ",
    "ALTER TABLE ",
    "LOCK TABLE ",
];
const QUERIES: &[&str] = &[
    "query!",
    "query_as!",
    "query_scalar!",
    "query_file!",
    "sqlx::query*",
    "raw_sql",
];

/// Every wall.
pub const RULES: &[Rule] = &[
    Rule {
        name: "a pure room knows no IO, clock, randomness or log",
        rooms: PURE,
        except: &[],
        scope: Scope::All,
        code: &[
            "sqlx",
            "axum",
            "async_nats",
            "async fn",
            "async move",
            "Utc::now",
            "tokio",
            "tracing",
            "rand",
            "entropy",
            "Clock",
        ],
        strings: &[],
        instead: "take what it needs as an argument and return a value: rules are tested by \
                  tables and properties, without any set-up. The caller does the IO.",
    },
    Rule {
        name: "http/ writes no SQL and publishes nothing",
        rooms: HTTP,
        except: &[],
        scope: Scope::Production,
        code: &[
            "query!",
            "query_as!",
            "query_scalar!",
            "sqlx::query*",
            "jetstream",
            ".publish(",
            ".publish_with_headers(",
        ],
        strings: SQL,
        instead: "read through store/, write through posting/: statements on a table are read in \
                  one place, and an event is published by its row in the log.",
    },
    Rule {
        name: "store/ knows tables, not HTTP and not NATS",
        rooms: STORE,
        except: &[],
        scope: Scope::Production,
        code: &["axum", "StatusCode", "async_nats", "utoipa"],
        strings: &[],
        instead: "return a value or a StoreError; http/error.rs turns it into an answer.",
    },
    Rule {
        name: "store/ does not commit",
        rooms: STORE,
        except: &[],
        scope: Scope::Production,
        code: &[".commit(", ".rollback("],
        strings: &["COMMIT", "ROLLBACK"],
        instead: "take the caller's connection and name the function …_in_tx: whoever orders the \
                  phases ends the transaction.",
    },
    Rule {
        name: "posting/ orders the phases and writes no SQL",
        rooms: POSTING,
        except: &[],
        scope: Scope::Production,
        code: QUERIES,
        strings: SQL,
        instead: "put the statement into store/ as a function …_in_tx and call it.",
    },
    Rule {
        name: "SQL lives in store/",
        rooms: CRATES,
        except: &[
            ("crates/*/src/store/**", "the room for it"),
            (
                "crates/*/src/*/store.rs",
                "the room for it, of one part of the runtime",
            ),
            (
                "crates/*/src/*/store/**",
                "the same room, where it has several files",
            ),
            (
                "crates/service-runtime/src/log.rs",
                "reads any service's log: the file is a store",
            ),
            (
                "crates/service-runtime/src/log/append.rs",
                "appends to any worker's log: the file is a store",
            ),
            (
                "crates/service-runtime/src/migrate.rs",
                "makes roles and schemas, before any store",
            ),
            (
                "crates/service-runtime/src/postgres.rs",
                "sets up and pings connections",
            ),
            (
                "crates/service-runtime/src/relay/leader.rs",
                "the cursor moves on the connection that holds the leader's lock: one file owns both",
            ),
            (
                "crates/service-runtime/src/worker/instance.rs",
                "settings and advisory lock of the connection that the file owns",
            ),
            (
                "crates/florin/src/verify/**",
                "proves the books without the services' statements",
            ),
            (
                "crates/florin/src/up/servers.rs",
                "makes the fleet's own database, before any service",
            ),
            (
                "crates/florin/src/demo/**",
                "plants and mends a mistake in a worker's table, as the database's owner",
            ),
            (
                "crates/florin/src/bench/run.rs",
                "a checkpoint before each load",
            ),
            (
                "crates/florin/src/bench/preload/**",
                "a history that is in the tables before any service starts",
            ),
            (
                "crates/florin/src/workers.rs",
                "reads where every worker is, whatever the worker says",
            ),
            (
                "crates/testkit/src/**",
                "makes and drops databases for tests",
            ),
        ],
        scope: Scope::Production,
        code: QUERIES,
        strings: SQL,
        instead: "move the statement to the crate's store/: locks and indexes are judged by \
                  reading all statements on a table together.",
    },
    Rule {
        name: "money moves through posting only",
        rooms: CRATES,
        except: &[
            (
                "crates/ledger-api/src/store/journal.rs",
                "the one statement that posts",
            ),
            (
                "crates/ledger-api/src/store/balances.rs",
                "the one statement that moves balances",
            ),
            (
                "crates/service-runtime/src/log/append.rs",
                "appends to a worker's own log, which moves no money; its role has no right to the ledger's",
            ),
            (
                "crates/florin/src/bench/preload/**",
                "a history for a fleet of the benchmark's own, before anybody uses it",
            ),
        ],
        scope: Scope::Production,
        code: &[],
        strings: &[
            "INTO ledger.postings",
            "INTO postings",
            "INTO ledger.events",
            "INTO events",
            "INTO ledger.balances",
            "INTO balances",
            "UPDATE ledger.balances",
            "UPDATE balances",
            "UPDATE ledger.head",
            "UPDATE head",
        ],
        instead: "hand a command to posting::Engine: it alone keeps every transaction balanced, \
                  locked in order and in the log.",
    },
    Rule {
        name: "no service names another's tables",
        rooms: &["crates/*-worker/**"],
        except: &[],
        scope: Scope::Production,
        code: &[],
        strings: &[
            "FROM ledger.",
            "JOIN ledger.",
            "INTO ledger.",
            "UPDATE ledger.",
        ],
        instead: "apply the ledger's events, or ask it over NATS or HTTP: two owners of a table \
                  cannot change it. The worker's role has no right to it anyway.",
    },
    Rule {
        name: "a status code is chosen in one place",
        rooms: CRATES,
        except: &[
            ("crates/*/src/http/error.rs", "the one place"),
            (
                "crates/service-runtime/src/admin.rs",
                "probes are not part of the API",
            ),
            (
                "crates/service-runtime/src/worker/pull.rs",
                "NATS has status codes of its own",
            ),
            (
                "crates/florin/src/**",
                "a client reads status codes and chooses none",
            ),
        ],
        scope: Scope::Production,
        code: &["StatusCode"],
        strings: &[],
        instead: "return an error of http/error.rs, which has one status for each: the table of \
                  the API is then one file.",
    },
    Rule {
        name: "only retry.rs knows the crate backoff",
        rooms: EVERYWHERE,
        except: &[("crates/service-runtime/src/retry.rs", "the one place")],
        scope: Scope::All,
        code: &["backoff::", "use backoff"],
        strings: &[],
        instead: "call service_runtime::retry: the crate is unmaintained (docs/adr/), and one \
                  file is all there will be to change.",
    },
    Rule {
        name: "subjects come from the contracts",
        rooms: CRATES,
        except: &[
            ("crates/contracts/src/subjects.rs", "the table"),
            ("crates/contracts/src/topology.rs", "the table of streams"),
        ],
        scope: Scope::Production,
        code: &[],
        strings: &[
            "ledger.v1.",
            "fraud.v1.",
            "settlement.v1.",
            "dlq.v1.",
            "\"rpc.",
        ],
        instead: "use contracts::subjects or contracts::topology::Topology: a literal forgets the \
                  prefix, and no test would miss it.",
    },
    Rule {
        name: "header names come from the contracts",
        rooms: CRATES,
        except: &[("crates/contracts/src/headers.rs", "the table")],
        scope: Scope::Production,
        code: &[],
        strings: &["\"Florin-*\"", "\"Nats-*\"", "\"ce-*\""],
        instead: "use contracts::headers: names are case preserving, so a typing error is a lost \
                  header.",
    },
    Rule {
        name: "metrics are named in tables",
        rooms: CRATES,
        except: &[],
        scope: Scope::Production,
        code: &[
            "counter!(\"",
            "gauge!(\"",
            "histogram!(\"",
            "describe_counter!(\"",
            "describe_gauge!(\"",
            "describe_histogram!(\"",
        ],
        strings: &[],
        instead: "add a row to the crate's metrics.rs and use its constant: dashboards, alerts \
                  and help texts come from that table.",
    },
    Rule {
        name: "no unwrap outside tests",
        rooms: EVERYWHERE,
        except: &[],
        scope: Scope::Production,
        code: &[".unwrap()", ".unwrap_err()"],
        strings: &[],
        instead: "return the error, or write expect(\"…\") with the invariant that makes it safe.",
    },
    Rule {
        name: "tasks are spawned by Process::spawn",
        rooms: CRATES,
        except: &[],
        scope: Scope::Production,
        code: &["tokio::spawn", "task::spawn", "Handle::spawn"],
        strings: &[],
        instead: "use Process::spawn: shutdown waits for the task, and a crash of it is seen.",
    },
    Rule {
        name: "time comes from the clock",
        rooms: EVERYWHERE,
        except: &[("crates/service-runtime/src/clock.rs", "the one place")],
        scope: Scope::Production,
        code: &["Utc::now", "Local::now", "SystemTime::now"],
        strings: &[],
        instead: "take `now` as an argument, at the edge from service_runtime::Clock: a test sets \
                  the clock, a replay gives the same answer.",
    },
    Rule {
        name: "no floats",
        rooms: EVERYWHERE,
        except: &[
            ("crates/*/src/metrics.rs", "Prometheus knows only floats"),
            (
                "crates/service-runtime/src/telemetry.rs",
                "implements a foreign visitor",
            ),
            ("crates/florin/src/*/report.rs", "seconds, for people"),
        ],
        scope: Scope::All,
        code: &["f32", "f64"],
        strings: &[],
        instead: "use contracts::Money or an integer. Where a foreign interface takes floats \
                  (metrics, progress bars), list the file with that reason.",
    },
    Rule {
        name: "tests do not sleep",
        rooms: EVERYWHERE,
        except: &[
            (
                "crates/ledger-api/tests/it/outages.rs",
                "paces a storm and the load under it; nothing waits for the time to pass",
            ),
            (
                "tests/it/killed.rs",
                "a pause of a fixed length is the fault itself",
            ),
        ],
        scope: Scope::Tests,
        code: &["sleep("],
        strings: &[],
        instead: "wait for what you need with testkit::eventually, or step the clock: a sleep is \
                  too long on a good day and too short on a bad one.",
    },
    Rule {
        name: "no test is ignored",
        rooms: EVERYWHERE,
        except: &[],
        scope: Scope::All,
        code: &["#[ignore"],
        strings: &[],
        instead: "mend the test or delete it: what does not run proves nothing.",
    },
];

#[cfg(test)]
mod tests;
