# newsdrop: `make up` runs the service, `make test` runs every test. Nothing has to be installed before.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: up test compose-test lint bench docs lock clean
.DEFAULT_GOAL := up

up: $(VENV)/.installed  ## run the service in the foreground, with two example articles
	@exec $(BIN)/newsdrop up --examples

test: $(VENV)/.installed-dev  ## run every test
	$(BIN)/python -m pytest

compose-test: $(VENV)/.installed-dev  ## build the image, run docker-compose.yml on a container engine, break it
	$(BIN)/python -m pytest tests/compose

lint: $(VENV)/.installed-dev  ## ruff and strict mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev  ## newsdrop beside its peers: a table, and bench/results.json
	$(BIN)/python -m bench

docs: $(VENV)/.installed-dev  ## write the tables of docs/ that come from the models
	$(BIN)/python docs/generate.py

COMPILE = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock:  ## write the lock files anew (needs uv)
	$(COMPILE) --upgrade -o requirements.txt pyproject.toml requirements-build.in
	$(COMPILE) --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml
	$(COMPILE) -c requirements.txt -o config/docker/flower.txt config/docker/flower.in

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

# pip is what comes last into a venv: one whose making was interrupted is made again.
$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "newsdrop needs Python 3.11 or newer; say which with: make PYTHON=python3.12")'
	@echo "Installing into $(VENV) (once, about half a minute) …"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what tests and linters need …"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
