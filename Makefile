# The ways to run this repository. `make` lists them.

.DEFAULT_GOAL := help
.PHONY: help bootstrap build demo test lint bench queries

help: ## List the targets
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

bootstrap: ## Install PostgreSQL, nats-server and a C compiler where they are missing
	@deploy/bootstrap.sh

build: bootstrap ## Build everything
	cargo build --workspace

demo: bootstrap ## A simulated day at a market, with a report at the end
	cargo run -p florin -- demo

test: ## Run every test, on real servers
	@deploy/bootstrap.sh --for-tests
	cargo test --workspace

lint: ## Check format, lints, documentation, and dependencies where cargo-deny is installed
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace
	@if command -v cargo-deny >/dev/null; then \
		cargo deny check bans licenses sources; \
	else \
		echo "lint: cargo-deny is not installed, dependencies were not checked"; \
	fi

bench: bootstrap ## Measure an optimised build
	cargo build --release -p florin
	target/release/florin bench

queries: bootstrap ## Check the SQL against a real server and rewrite .sqlx/
	deploy/queries.sh
