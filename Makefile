# Two commands do everything: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOAK_S ?= 1200
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help run test check bench mutants chaos soak matrix upgrade lock clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run: $(VENV)/.run  ## start everything on this machine and play an Entra cycle; stays up
	$(BIN)/bldng-scim dev

test: check  ## install, check format, lint, type-check, check the import rule, run all tests
	$(BIN)/pytest -n 2 --dist loadgroup

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

bench: $(VENV)/.dev  ## the benchmarks, each a ratio against a baseline of the same run
	$(BIN)/pytest -m benchmark -s tests/benchmarks

mutants: $(VENV)/.dev  ## every planted bug, each of which a test must find
	$(BIN)/pytest -m "long or not long" tests/mutants

chaos: $(VENV)/.dev  ## the whole fault catalogue, the long rows too: a line for each row at the end
	$(BIN)/pytest -m "long or not long" -v --rows tests/chaos

soak: $(VENV)/.dev  ## faults, kills and load for SOAK_S seconds (1200), then every account must agree
	$(BIN)/python -m tests.chaos.soak $(SOAK_S)

matrix: $(VENV)/.dev  ## engine and edge against every Redis and Valkey on this machine
	$(BIN)/python -m tests.support.matrix

upgrade: $(VENV)/.dev  ## an older revision (FROM=) and this one over the same data, under load
	FROM=$(FROM) $(BIN)/pytest -m long -v tests/upgrade

lock: $(VENV)/.dev  ## compile requirements*.txt from pyproject.toml (needs uv on PATH)
	./deploy/lock.sh

clean:  ## remove what the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements-run.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements-run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(PIP) install --require-hashes -r requirements-dev.txt
	touch $@
