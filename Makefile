# The only entry point. `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test check bench setup-demo setup-test

# What the runners of the test vectors and of the server stories are told.
export VERSIONER_VECTORS := $(CURDIR)/tests/vectors
export VERSIONER_SCRIPTED_SERVER := $(CURDIR)/target/debug/scripted-server
export VERSIONER_SERVER := $(CURDIR)/target/debug/versioner-server

# Tests are built without debug information: half the time and a third of the disk.
export CARGO_PROFILE_DEV_DEBUG := 0

say = @printf '\n\033[1m== %s\033[0m\n' "$(1)"

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

setup-demo:
	@scripts/setup.sh demo

setup-test:
	@scripts/setup.sh test

demo: setup-demo ## Play the main story against a server of its own.
	$(call say,Building the command line and the server)
	cargo build --quiet --package versioner --package versioner-server
	@scripts/demo.sh target/debug

check: setup-test check-rust ## Formatters and linters of every language; warnings are errors.

check-rust:
	$(call say,Checking Rust)
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	cargo clippy --quiet --no-default-features --features capi -- -D warnings

test: setup-test check test-rust ## Everything: check, then the tests of every language.
	$(call say,All tests passed)

test-rust:
	$(call say,Building the servers that the tests talk to)
	cargo build --quiet --workspace
	$(call say,Testing Rust: core$(comma) command line$(comma) server$(comma) vectors)
	cargo test --quiet --workspace

bench: setup-test ## Speed, as ratios side by side.
	@scripts/bench.sh

comma := ,
