# The only entry point. `make` lists the targets.
SHELL := /bin/bash
# Signals that whoever started make ignores, as nohup and a shell's & do, would be ignored by every
# program that the tests send one.
ifeq ($(shell uname -s),Linux)
SHELL := /usr/bin/env
.SHELLFLAGS := --default-signal=HUP,INT,QUIT,TERM bash -c
endif
ifdef BESIDE
# Cargo would look for a jobserver that only make's own children are given.
unexport MAKEFLAGS MFLAGS BESIDE
else
# Two builds at once would only wait for each other.
.NOTPARALLEL:
endif
.DEFAULT_GOAL := help
.PHONY: help setup-demo setup-test setup-dist dist test-dist demo bench header install servers library \
	screenshots docs mutants fuzz scale torture advisories check check-text check-trust check-rust check-go check-ruby check-python check-javascript \
	api test tests test-rust test-postgres test-api test-c test-go test-ruby test-java test-python test-javascript test-integrations test-hooks test-webhooks test-slack test-browser test-readme test-docs


# Rust as rustup installs it, also in the shell that installed it a moment ago.
export PATH := $(PATH):$(HOME)/.cargo/bin

# Where cargo builds, if the caller's settings say so elsewhere than here.
TARGET := $(shell scripts/target-dir.sh)

# What the runners of the test vectors and of the server stories are told.
export VERSIONER_VECTORS := $(CURDIR)/tests/vectors
export VERSIONER_SCRIPTED_SERVER := $(TARGET)/debug/scripted-server
export VERSIONER_SERVER := $(TARGET)/debug/versioner-server

# Tests are built without debug information: half the time and a third of the disk.
export CARGO_PROFILE_DEV_DEBUG := 0

# Rust's tests wait for disks, servers and each other more than they compute.
export RUST_TEST_THREADS ?= 8

say = @printf '\n\033[1m== %s\033[0m\n' "$(1)"$(if $(BESIDE),; echo "… $(1)" >&3)

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

DATABASE ?= sqlite
setup-demo:
	@scripts/setup.sh demo $(filter postgres,$(DATABASE))

setup-test:
	$(if $(BESIDE),,@scripts/setup.sh test)

setup-dist:
	@scripts/setup.sh dist

demo: setup-demo ## Play the main story against a server of its own; DATABASE=postgres on PostgreSQL.
	$(call say,Building the command line and the server)
	cargo build --quiet --package versioner --package versioner-server --bins --example fake_slack
	@$(if $(filter postgres,$(DATABASE)),scripts/postgres.sh) scripts/demo.sh $(TARGET)/debug

check: setup-test check-text check-trust check-rust check-go check-ruby check-python check-javascript ## Formatters and linters of every language; warnings are errors.

check-text:
	$(call say,Checking scripts and spelling)
	@scripts/check-text.sh
	@scripts/dist/versions.sh

check-trust:
	$(call say,Checking licences and sources of crates$(comma) and workflows)
	@scripts/check-trust.sh

advisories: ## Ask RustSec's database, which is on GitHub, for crates that are known to be unsafe.
	@scripts/check-trust.sh --advisories

check-rust:
	$(call say,Checking Rust)
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets --features versioner/capi,versioner/fuzzing,versioner-server/fuzzing \
		-- -D warnings
	cargo clippy --quiet --workspace --lib --bins --examples -- -D warnings
	cargo clippy --quiet --no-default-features --features capi -- -D warnings

# These wait for servers and disks more than they compute. What they need is there; each writes what it prints
# when it ends, and to 3 that it begins. The longest is first, and the server's own suite never runs twice at once.
BESIDE_EACH_OTHER = test-python test-rust test-postgres test-java test-browser test-c test-ruby test-go \
	test-javascript test-integrations test-api test-hooks test-webhooks test-slack
tests:
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target BESIDE=1 $(BESIDE_EACH_OTHER) 3>&1

test: setup-test check servers library tests test-readme test-docs ## Everything: check, then the tests of every language, two at a time.
	$(call say,All tests passed)

test-rust: servers
	$(call say,Testing core$(comma) command line and server)
	cargo test --quiet --workspace

test-postgres: setup-test servers ## The server's tests on a PostgreSQL of their own, and several servers on it.
	$(call say,Testing the server on PostgreSQL)
	scripts/postgres.sh cargo test --quiet --workspace --test api

test-api: servers
	$(call say,Holding the server against its description)
	@scripts/schemathesis.sh $(VERSIONER_SERVER)

test-slack: servers ## The server and its fake Slack, held against Slack's own library.
	$(call say,Testing Slack with its own library)
	@scripts/test-slack.sh $(VERSIONER_SERVER)

EXAMPLES ?= 200
api: setup-test servers ## Hold the server against its description for long; EXAMPLES=200 for each operation.
	@scripts/schemathesis.sh $(VERSIONER_SERVER) $(EXAMPLES)

test-c:
	$(call say,Testing the C library as it is installed)
	cargo test --quiet --workspace --features versioner/capi --test abi

# The C library as it is installed, for the bindings.
LIBRARY := $(CURDIR)/build/c
library:
	$(if $(BESIDE),,@scripts/install.sh $(LIBRARY))

GO_ENVIRONMENT = PKG_CONFIG_PATH=$(LIBRARY)/lib/pkgconfig LD_LIBRARY_PATH=$(LIBRARY)/lib

check-go: library
	$(call say,Checking Go)
	cd bindings/go && unformatted=$$(gofmt -l .) && echo "$${unformatted:-Every file is formatted}" && test -z "$$unformatted"
	cd bindings/go && $(GO_ENVIRONMENT) go vet ./...

test-go: servers library
	$(call say,Testing Go: dynamic and with the race detector$(comma) then static)
	cd bindings/go && $(GO_ENVIRONMENT) go test -race -count=1 ./...
	cd bindings/go && PKG_CONFIG_PATH=$(LIBRARY)/lib/pkgconfig GOFLAGS=-tags=versioner_static go test -count=1 .

check-ruby:
	$(call say,Checking Ruby)
	cd bindings/ruby && rubocop --cache false
	cd bindings/ruby && ruby -r rbs -r rbs/cli -e 'RBS::CLI.new(stdout: $$stdout, stderr: $$stderr).run(ARGV)' -- \
		-I sig validate --silent

test-ruby: servers library
	$(call say,Testing the installed gem$(comma) then the cases on JRuby)
	VERSIONER_LIBRARY=$(LIBRARY)/lib/libversioner.so bindings/ruby/test/installed.sh
	cd bindings/ruby && VERSIONER_LIBRARY=$(LIBRARY)/lib/libversioner.so \
		jruby -I$$(ruby -e 'puts Gem::Specification.find_by_name("minitest").full_require_paths.first') -Ilib -Itest \
		-rtest_vectors -rtest_deployment -rtest_threads -rtest_logging -rtest_errors -e ''

test-java: servers
	$(call say,Checking and testing Java$(comma) Groovy and the Jenkins library)
	@scripts/test-java.sh

check-python:
	$(call say,Checking Python)
	@scripts/test-python.sh check

test-python: servers
	$(call say,Testing the wheel$(comma) the Ansible collection and the Rundeck plugin)
	@scripts/test-python.sh test

check-javascript:
	$(call say,Checking JavaScript)
	@scripts/test-javascript.sh check
	@scripts/test-integrations.sh check

test-javascript: servers
	$(call say,Testing the npm package)
	@scripts/test-javascript.sh test

test-hooks: setup-test servers ## Let the libraries of GitHub, Standard Webhooks and CloudEvents send the server theirs.
	$(call say,Taking what the libraries of others sign)
	@scripts/test-hooks.sh $(VERSIONER_SERVER)

test-webhooks: setup-test servers ## Let the libraries of Standard Webhooks check what the server sends.
	$(call say,Checking signatures with libraries of three languages)
	@scripts/test-webhooks.sh $(VERSIONER_SERVER)

test-integrations: servers
	$(call say,Testing the GitHub Action and the GitLab components)
	@scripts/test-integrations.sh test

test-browser: setup-test servers ## The server's web pages in a browser.
	$(call say,Testing the pages in a browser)
	@scripts/test-browser.sh $(VERSIONER_SERVER)

screenshots: setup-test servers ## Draw pictures of the web pages, into build/screenshots, and those of the READMEs anew.
	@scripts/test-browser.sh $(VERSIONER_SERVER) build/screenshots

test-readme: servers library
	$(call say,Pasting the READMEs)
	@scripts/readme.sh $(TARGET)/debug $(LIBRARY)
	@scripts/readme-server.sh $(TARGET)/debug

REFERENCES ?= go java
docs: servers ## Build the documentation into build/docs; REFERENCES=all for the references of all languages.
	@scripts/docs.sh $(TARGET)/debug $(REFERENCES)

test-docs: setup-test docs ## The documentation: its links, its snippets, and its pages on a phone.
	$(call say,Testing the documentation)
	@scripts/test-docs.sh $(TARGET)/debug

# The programs that the tests of every language talk to. Everything below is built as one workspace with what the
# tests need: cargo builds all crates once more for each other choice of packages, because their features differ.
servers:
	$(if $(BESIDE),,@cargo build --quiet --workspace --lib --bins --examples)

bench: setup-test ## Speed, as ratios side by side.
	@scripts/bench.sh

mutants: setup-test ## Change the core in a random tenth of all small ways; FILES=src/... for all of a file's.
	@scripts/mutants.sh $(FILES)

TIME ?= 60
fuzz: setup-test ## Feed the core with odd input; TIME=seconds for each target, TARGETS=... for some.
	@scripts/fuzz.sh $(TIME) $(TARGETS)

EVENTS ?= 1000000
scale: setup-test ## What an account costs that has EVENTS=1000000; DATABASE=postgres on PostgreSQL.
	$(call say,Telling $(EVENTS) events and measuring the account that has them)
	cargo bench --quiet -p versioner-server --bench scale --no-run 2>/dev/null
	EVENTS=$(EVENTS) $(if $(filter postgres,$(DATABASE)),DURABLE=1 scripts/postgres.sh) \
		cargo bench --quiet -p versioner-server --bench scale

KILLS ?= $(if $(filter postgres,$(DATABASE)),200,1000)
torture: setup-test servers ## Kill servers and cut answers under load, KILLS=1000 times: nothing lost, nothing twice; DATABASE=postgres for two servers.
	$(call say,Killing servers under load through the C library)
	cargo rustc --quiet --lib --features capi --no-default-features --crate-type cdylib
	cc -std=c11 -Wall -Wextra -Werror -Iinclude tests/torture/load.c -o $(TARGET)/debug/torture-load \
		-L$(TARGET)/debug -Wl,-rpath,$(TARGET)/debug -lversioner -pthread
	@$(if $(filter postgres,$(DATABASE)),scripts/postgres.sh) $(TARGET)/debug/torture $(VERSIONER_SERVER) \
		$(TARGET)/debug/torture-load $(KILLS)

header: ## Write include/versioner.h and versioner.symbols anew.
	VERSIONER_WRITE_HEADER=1 cargo test --quiet --features capi --test abi header

PLATFORMS ?=
dist: setup-dist ## Make everything that is released, into dist/; PLATFORMS="linux-amd64 ..." for some of it.
	$(call say,Making the release)
	@scripts/dist/all.sh $(PLATFORMS)

test-dist: setup-dist ## Prove what make dist made, and say what was run on what; the same PLATFORMS=.
	$(call say,Testing the release)
	@scripts/dist/test.sh $(PLATFORMS)

PREFIX ?= /usr/local
install: ## Install libversioner, its header and the command line below PREFIX (and DESTDIR).
	cargo build --quiet --release --bin versioner
	@scripts/install.sh $(PREFIX)
	install -d $(DESTDIR)$(abspath $(PREFIX))/bin
	install -m 755 $(TARGET)/release/versioner $(DESTDIR)$(abspath $(PREFIX))/bin/

comma := ,
