#!/usr/bin/env bash
# Checks every query! against a real database and writes what sqlx learned to .sqlx/, from which
# ordinary builds take it. Run it after changing a query or a migration, and commit the result.
#
# Starts a private server, unless DATABASE_URL names an empty database (as its superuser) to use
# instead. The services cannot migrate it here: they do not build until their queries are known.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${DATABASE_URL:-}" ]; then
    cargo build --quiet -p local-servers --bin with-servers
    # Not exec: the path may be relative to a target directory that the user moved.
    "${CARGO_TARGET_DIR:-target}/debug/with-servers" deploy/queries.sh
    exit
fi

# Each service has a schema and a role; a worker's schema has the runtime's tables too, and a
# worker that publishes has a log of its own.
worker_tables=crates/service-runtime/migrations/worker
log_tables=crates/service-runtime/migrations/log

sql() { psql -X -q -v ON_ERROR_STOP=1 "$@" "$DATABASE_URL"; }

# migrate SCHEMA FOLDER...: as service_runtime::migrate does it.
migrate() {
    local schema=$1 folder file
    shift
    sql -c "DO \$\$ BEGIN CREATE ROLE florin_$schema LOGIN;
            EXCEPTION WHEN duplicate_object THEN NULL; END \$\$"
    sql -c "CREATE SCHEMA IF NOT EXISTS $schema"
    # As sqlx makes it before the first migration, and some of them speak of it.
    sql -c "CREATE TABLE IF NOT EXISTS $schema._sqlx_migrations (version bigint PRIMARY KEY)"
    for folder in "$@"; do
        for file in "$folder"/*.sql; do
            # A folder without migrations.
            [ -e "$file" ] || continue
            echo "queries: $file"
            PGOPTIONS="-c search_path=$schema" sql -1 -f "$file"
        done
    done
}

# check CRATE FOLDER SCHEMA: compiles the crate's queries against its service's schema.
check() {
    local crate=$1 folder=$2 schema=$3 separator='?'
    if ! grep -rqE 'query(_as|_scalar|_file[a-z_]*)?(_unchecked)?!' "$folder" --include='*.rs'; then
        return 0
    fi
    echo "queries: checking $crate"
    # Cargo does not know that the database matters: only a touched file is compiled again. Each
    # target is a compilation of its own, hence every file that may be a target's root.
    find "$folder" -name '*.rs' \( -name lib.rs -o -name main.rs -o -path '*/tests/*' \
        -o -path '*/benches/*' -o -path '*/examples/*' \) -exec touch {} +
    case $DATABASE_URL in *\?*) separator='&' ;; esac
    DATABASE_URL="$DATABASE_URL${separator}options[search_path]=$schema" \
        SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$fresh \
        cargo check --quiet -p "$crate" --all-targets
}

migrate ledger crates/ledger-api/migrations
migrate analytics "$worker_tables" crates/analytics-worker/migrations
migrate fraud "$worker_tables" "$log_tables" crates/fraud-worker/migrations
migrate settlement "$worker_tables" "$log_tables" crates/settlement-worker/migrations

# Into a fresh directory, so that queries that are gone leave; swapped in only when all is well.
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

# Those who are depended on first: compiled for another crate they would see its schema.
services="service-runtime:analytics ledger-api:ledger analytics-worker:analytics fraud-worker:fraud
    settlement-worker:settlement"
for service in $services; do
    check "${service%%:*}" "crates/${service%%:*}" "${service##*:}"
done
for folder in crates/* tests; do
    crate=$(sed -n 's/^name = "\(.*\)"/\1/p' "$folder/Cargo.toml" | head -n 1)
    case " $services" in
        *" $crate:"*) ;;
        *) check "$crate" "$folder" public ;;
    esac
done

mkdir -p .sqlx
rm -f .sqlx/query-*.json
find "$fresh" -name 'query-*.json' -exec cp {} .sqlx/ \;
echo "queries: $(find .sqlx -name 'query-*.json' | wc -l | tr -d ' ') queries in .sqlx/"
