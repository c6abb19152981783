# Tallybox: everything a developer or a build machine does, by name. `make help` lists it.
# Needs GNU make, a POSIX shell and Python 3.11 or later with its venv module; the rest comes from requirements.lock.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# 3.11 is what the boxes run; a later one will do on a desk.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; done)
# Extra words for the command behind a target: make demo ARGS="--headless --port 18443", make test ARGS="-k wallet"
ARGS ?=

LOCALE := cloud_server/locale
LANGUAGES := zh_CN en
CATALOGS := $(foreach language,$(LANGUAGES),$(wildcard $(LOCALE)/$(language)/LC_MESSAGES/messages.po))
COMPILED_CATALOGS := $(CATALOGS:.po=.mo)
# Three for two cores: stories with real processes wait more than they compute, and tests/order.py hands both out side
# by side. With more, several stories meet, and some then wait for longer than a person would.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
WORKERS ?= $(shell echo $$(($(CORES) + ($(CORES) + 1) / 2)))
# Folders with Python in them that stand in the tree now.
SOURCES := $(wildcard protocol edge_agent cloud_server provisioning tests benchmarks)

# What the browser tests need beside Python, under the names that Debian gives it.
# The shell without windows takes half the processor of the whole browser.
CHROMIUM_NAMES := chromium-headless-shell chromium chromium-browser google-chrome
BROWSER_PACKAGES := chromium-headless-shell fonts-noto-cjk

.PHONY: help venv demo test test-slow browser node lint lint-ruff lint-format lint-types lint-imports lint-translations \
	bench format translations compiled-translations wheel wheels lock

help: ## list the targets
	@echo "make TARGET [ARGS=\"...\"]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

venv: $(READY) compiled-translations ## make .venv with the locked libraries and our three commands (quick when nothing changed)
	@:

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || \
		{ echo "Python 3.11 or later is needed (make venv PYTHON=...)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "this Python has no venv module; on Debian: apt install python3-venv" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	@# On all cores, which pip does not; a library's own template in an older Python stays as it is.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: venv ## run a whole site on this machine until Ctrl-C (ARGS="--headless --port 18443 --state DIR --fresh")
	@$(BIN)/python -m provisioning demo $(ARGS)

test: venv browser node ## run the tests, several at a time (ARGS are pytest's)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: venv browser node ## run the long sweeps that `make test` leaves out
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile -m slow --timeout 3600 $(ARGS)

# Tests marked `browser` drive a real Chromium, and their screenshots need Chinese glyphs. Root gets both installed;
# everybody else is told what will be skipped and how to mend it.
browser:
	@have_browser() { for name in $(CHROMIUM_NAMES); do command -v $$name >/dev/null && return 0; done; return 1; }; \
	have_glyphs() { command -v fc-list >/dev/null && test -n "$$(fc-list :lang=zh family)"; }; \
	if have_browser && have_glyphs; then exit 0; fi; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		echo "installing $(BROWSER_PACKAGES) for the browser tests"; \
		DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; \
		apt-get -qq update </dev/null >/dev/null && \
			apt-get -qq install -y --no-install-recommends $(BROWSER_PACKAGES) </dev/null >/dev/null || true; \
	fi; \
	have_browser || { \
		echo "####################################################################"; \
		echo "## NO CHROMIUM: EVERY BROWSER TEST WILL BE SKIPPED, NOT PASSED.   ##"; \
		echo "## To run them, as root: apt-get install $(BROWSER_PACKAGES)"; \
		echo "####################################################################"; }; \
	have_glyphs || { \
		echo "####################################################################"; \
		echo "## NO CHINESE FONT: SCREENSHOTS WILL SHOW EMPTY BOXES.            ##"; \
		echo "## To mend it, as root: apt-get install fonts-noto-cjk"; \
		echo "####################################################################"; }

# A box in another language speaks to a real centre. Root gets Node installed; everybody else is told what is skipped.
node:
	@command -v node >/dev/null && exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		echo "installing nodejs for the box in Node"; \
		DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; \
		apt-get -qq update </dev/null >/dev/null && \
			apt-get -qq install -y --no-install-recommends nodejs </dev/null >/dev/null || true; \
	fi; \
	command -v node >/dev/null || { \
		echo "####################################################################"; \
		echo "## NO NODE: THE BOX IN ANOTHER LANGUAGE WILL BE SKIPPED.          ##"; \
		echo "## To run it, as root: apt-get install nodejs                     ##"; \
		echo "####################################################################"; }

lint: venv ## check style, types, import directions and translations; all of them, then fail if one failed
	@$(MAKE) --no-print-directory --keep-going -j $(CORES) --output-sync=target \
		lint-types lint-ruff lint-format lint-imports lint-translations

lint-ruff:
	$(BIN)/ruff check .

lint-format:
	$(BIN)/ruff format --check .

lint-types:
	$(BIN)/mypy $(SOURCES)

lint-imports:
	$(BIN)/lint-imports --no-logo

lint-translations:
	$(BIN)/python -m tests.house_rules.catalogs

bench: venv ## measure; each benchmark prints a ratio to a limit or a peer of the same run (ARGS name some of them)
	$(BIN)/python -m benchmarks $(ARGS)

format: venv ## put the code into the house's format
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

translations: venv ## collect the words to translate into both catalogs; then fill in what is empty
	$(BIN)/python -m tests.house_rules.catalogs update

compiled-translations: $(COMPILED_CATALOGS)

%.mo: %.po $(READY)
	$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

wheel: venv ## build the installable package into dist/
	$(BIN)/python -m build --wheel --no-isolation

# Built anew from the sources alone: setuptools would pack what an earlier build left.
wheels: venv ## fill dist/box and dist/centre with what `provision bundle` puts into one file
	rm -rf build dist/box dist/centre
	mkdir -p dist
	sed -E 's/ *\\$$//; /^ *--hash/d' requirements.lock > dist/constraints.txt
	for machine in box centre; do \
		$(BIN)/python -m pip wheel --quiet --no-build-isolation --constraint dist/constraints.txt \
			--wheel-dir dist/$$machine ".[$$machine,provisioning]" || exit 1; done
	rm -rf build dist/constraints.txt

lock: $(READY) ## find versions anew for requirements.lock (ARGS=--upgrade takes the newest)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --all-extras --allow-unsafe --generate-hashes \
		--no-emit-find-links --no-emit-index-url --no-emit-trusted-host --strip-extras \
		--output-file requirements.lock $(ARGS) pyproject.toml
