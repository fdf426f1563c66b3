#!/usr/bin/env bash
# Installs what Florin needs and cargo does not bring: PostgreSQL, nats-server and a C compiler.
# For the tests it also puts promtool into target/tools, where apt-get can bring it, and, asked with
# --for-tests, schemathesis, where pip can.
# Says nothing and changes nothing when all is there; may run as often as you like.
#
# Florin starts private servers of its own, so no system service is set up or used.
set -euo pipefail

postgres_at_least=15
nats_at_least=2.9.10
rust_at_least=1.95

say() { printf 'bootstrap: %s\n' "$*" >&2; }

# Whether version $1 is $2 or later.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# The version that a program prints: its first word that starts with a number.
version_of() {
    "$1" --version 2>/dev/null |
        tr ' ' '\n' | sed -n 's/^v\{0,1\}\([0-9][0-9.]*\).*/\1/p' | head -n 1
}

# The library looks into the same places; see crates/local-servers/src/binaries.rs.
has_postgres() {
    local directory
    for directory in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
        /opt/local/lib/postgresql*/bin ${PATH//:/ }; do
        if [ -x "$directory/postgres" ] && [ -x "$directory/initdb" ] &&
            at_least "$(version_of "$directory/postgres")" "$postgres_at_least"; then
            return 0
        fi
    done
    return 1
}

has_nats() {
    local directory
    for directory in ${PATH//:/ } \
        /usr/local/bin /usr/bin /usr/sbin /usr/local/sbin /opt/homebrew/bin; do
        if [ -x "$directory/nats-server" ] &&
            at_least "$(version_of "$directory/nats-server")" "$nats_at_least"; then
            return 0
        fi
    done
    return 1
}

has_compiler() { command -v cc >/dev/null; }

has_rust() {
    command -v cargo >/dev/null && at_least "$(version_of cargo)" "$rust_at_least"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "needs root for: $*"
        return 1
    fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@" >/dev/null; }

install_by_apt() {
    apt update || say "apt-get update failed, going on with the lists that are there"
    local package
    for package in "$@"; do
        if [ "$package" = postgresql ] && [ ! -d /etc/postgresql-common ]; then
            # Debian would make and start a system cluster that nobody here uses.
            apt install postgresql-common || continue
            as_root sed -i 's/^#* *create_main_cluster.*/create_main_cluster = false/' \
                /etc/postgresql-common/createcluster.conf || true
        fi
        apt install "$package" || say "apt-get could not install $package"
        if [ "$package" = nats-server ] && command -v systemctl >/dev/null; then
            # Debian starts a server that is open to the network.
            as_root systemctl disable --now nats-server >/dev/null 2>&1 || true
        fi
    done
}

install_by_dnf() {
    local package
    for package in "$@"; do
        as_root dnf install -q -y "$package" >/dev/null || say "dnf could not install $package"
    done
}

install_by_brew() {
    local package
    for package in "$@"; do
        brew install --quiet "$package" >/dev/null || say "brew could not install $package"
    done
}

missing_packages() {
    # $1 is the package manager; the names differ.
    if ! has_postgres; then
        case $1 in
            apt) echo postgresql ;;
            dnf) echo postgresql-server postgresql postgresql-contrib ;;
            brew) echo postgresql@17 ;;
        esac
    fi
    if ! has_nats; then echo nats-server; fi
    if ! has_compiler; then
        case $1 in
            apt) echo gcc libc6-dev ;;
            dnf) echo gcc ;;
        esac
    fi
}

install_missing() {
    local manager
    if command -v apt-get >/dev/null; then
        manager=apt
    elif command -v dnf >/dev/null; then
        manager=dnf
    elif command -v brew >/dev/null; then
        manager=brew
    else
        say "found none of apt-get, dnf and brew"
        return 0
    fi
    local packages
    packages=$(missing_packages "$manager" | tr '\n' ' ')
    if [ -n "$packages" ]; then
        say "installing $packages"
        # One word per package.
        # shellcheck disable=SC2086
        "install_by_$manager" $packages
    fi
}

# Says what is still missing and how to get it; fails when something is.
report() {
    local complete=0
    if ! has_postgres; then
        complete=1
        say "missing: PostgreSQL $postgres_at_least or later (initdb and postgres)."
        say "  An older Debian or Ubuntu: install postgresql-common, then run"
        say "  /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y, then install postgresql-17."
        say "  Others: https://www.postgresql.org/download/"
    fi
    if ! has_nats; then
        complete=1
        say "missing: nats-server $nats_at_least or later."
        say "  Put the program from https://github.com/nats-io/nats-server/releases into your PATH,"
        say "  or: go install github.com/nats-io/nats-server/v2@latest"
    fi
    if ! has_compiler; then
        complete=1
        say "missing: a C compiler named cc (gcc or clang; on macOS: xcode-select --install)."
    fi
    if ! has_rust; then
        complete=1
        say "missing: Rust $rust_at_least or later. With rustup: rustup update stable"
        say "  Without: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    fi
    return "$complete"
}

# Programs that only the tests use.
tools=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/tools

# promtool, with which the tests check the metrics: one program of Debian's prometheus package,
# unpacked and not installed, because installing it would bring a server and 35 packages along.
# Without it the tests say `promtool: absent`.
fetch_promtool() {
    local scratch
    if command -v promtool >/dev/null || [ -x "$tools/promtool" ] ||
        ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
        return 0
    fi
    # Readable for the account that apt downloads as.
    scratch=$(mktemp -d)
    chmod 0777 "$scratch"
    (
        cd "$scratch"
        timeout 60 apt-get -qq download prometheus >/dev/null 2>&1
        dpkg -x prometheus_*.deb . 2>/dev/null
    ) && mkdir -p "$tools" && mv "$scratch/usr/bin/promtool" "$tools/promtool" ||
        say "could not get promtool; the tests go on without it"
    rm -rf "$scratch"
}

# schemathesis, with which the tests ask every operation of the HTTP API: in an environment of its own,
# exactly as tests/schemathesis/requirements.txt says. Without it the tests say `schemathesis: absent`.
fetch_schemathesis() {
    local wanted home
    wanted=$(dirname "$0")/../tests/schemathesis/requirements.txt
    home=$tools/schemathesis
    # The list is copied last, so it stands for a complete environment.
    if cmp -s "$wanted" "$home/requirements.txt"; then
        return 0
    fi
    rm -rf "$home"
    mkdir -p "$tools"
    say "fetching schemathesis"
    if ! { command -v python3 >/dev/null && python3 -m venv "$home" &&
        timeout 180 "$home/bin/python" -m pip install --quiet --disable-pip-version-check \
            --requirement "$wanted" && cp "$wanted" "$home/requirements.txt"; } >/dev/null 2>&1; then
        rm -rf "$home"
        say "could not get schemathesis; the tests go on without it"
    fi
}

if ! { has_postgres && has_nats && has_compiler; }; then
    install_missing
fi
fetch_promtool
if [ "${1:-}" = --for-tests ]; then fetch_schemathesis; fi
report
