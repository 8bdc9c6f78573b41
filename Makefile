# Everything from a machine with Python 3.11, make and the package registries.
PYTHON ?= python3
UV := .venv/bin/uv
BIN := .venv/bin
SHELL := /bin/bash
export UV_PYTHON_DOWNLOADS := never
# a company proxy signs with its own authority: trust what the system trusts
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1
SYSTEM_CERTS := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem))
ifneq ($(SYSTEM_CERTS),)
export PIP_CERT ?= $(SYSTEM_CERTS)
export SSL_CERT_FILE ?= $(SYSTEM_CERTS)
endif

.DEFAULT_GOAL := help
.PHONY: help demo test soak check check-types check-sql check-text format install install-dev system bench dictionary

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: install ## install, run the three-cloud demo, open the dashboard (ARGS="--no-dashboard --days 30 --home DIR")
	$(BIN)/inferledger demo $(ARGS)

test: install-dev system ## install and run the whole suite (ARGS="-k name" passes through)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n 2 -m "not soak" $(ARGS)

soak: install-dev system ## the long ones: random kills, every fault, many days
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -m soak $(ARGS)

check: install-dev ## format, lint, types, import rules, SQL lint, side by side
	@$(MAKE) --no-print-directory -k -j3 $(if $(filter output-sync,$(.FEATURES)),-Otarget) check-types check-sql check-text

check-types:
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright

check-sql:
	$(BIN)/sqlfluff lint -p 2 dbt/models
	$(BIN)/sqlfluff lint --templater placeholder dashboard/queries

check-text:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/yamllint -s .
	$(BIN)/codespell
	$(UV) lock --check

format: install-dev ## format Python and SQL
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix -q dbt/models
	$(BIN)/sqlfluff fix -q --templater placeholder dashboard/queries

bench: install-dev ## every benchmark beside its baseline
	@for file in bench/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

dictionary: install ## write docs/data_dictionary.md from the models
	$(BIN)/python -m pipeline.dictionary

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "inferledger needs Python 3.11 or later; run: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null || { $(PYTHON) -m venv --without-pip --clear .venv && $(PYTHON) -m pip --python .venv/bin/python install --quiet pip; } \
	  || { echo "Python has neither venv nor pip: install them, on Debian with 'apt-get install python3-venv'."; rm -rf .venv; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

install: $(UV)
	@$(UV) sync --quiet --frozen --inexact --no-default-groups --extra demo

install-dev: $(UV)
	@$(UV) sync --quiet --frozen --inexact --all-extras

# Chromium draws the pages in tests, PostgreSQL holds state and Airflow's metadata there, npm brings Azurite: only the system's
# package manager has them
system:
	@missing=""; command -v chromium >/dev/null || missing="chromium"; ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	if [ -n "$$missing" ]; then \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	  { command -v apt-get >/dev/null && $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } \
	  || echo "Not installed, so the tests that need them say so and are skipped: $$missing (Debian: apt-get install $$missing)."; \
	fi
