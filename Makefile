# `make` alone lists the targets. Everything is installed into .venv, pinned by constraints.txt; nothing else is touched.

# The first Python here that is new enough and can make a virtual environment; or say which: make PYTHON=python3.12 serve
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
# What `make serve` reads, and where the library made of it stands. Your own: make serve DOCUMENTS=~/papers LIBRARY=~/papers.lib
DOCUMENTS ?= corpus/documents
LIBRARY ?= library
HOST = 127.0.0.1
PORT = 7860
# The release that this project is tested with; `make constraints TORCH=...` moves it.
TORCH ?= 2.13.0

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
RUNTIME := $(VENV)/.installed-runtime
TEST := $(VENV)/.installed-test
BROWSER := $(VENV)/.installed-browser

# No model is ever fetched; what is not on this machine is an error that says so.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- install

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "stemqa needs Python 3.11 or newer with venv: on Debian or Ubuntu, apt install python3-venv;" \
		"or name an interpreter: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)" >&2
	@$(PYTHON) -m venv $(VENV)

# The build backend is installed first, pinned like the rest, so that building needs no download of its own.
$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the pinned packages; the first time takes some minutes" >&2
	@$(PIP) setuptools
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(TEST): $(RUNTIME)
	@$(PIP) --no-build-isolation --editable '.[test]'
	@touch $@

$(BROWSER): $(TEST)
	@$(PIP) --no-build-isolation --editable '.[test,browser]'
	@touch $@

.PHONY: install
install: $(RUNTIME) ## Make .venv and install what running needs

.PHONY: install-test
install-test: $(TEST) ## ... and what the checks and tests need

.PHONY: install-browser
install-browser: $(BROWSER) ## ... and what the browser test needs beside Chromium

# ---------------------------------------------------------------- run

.PHONY: library
library: $(RUNTIME) ## Build the library, if it is missing or stale
	@$(BIN)/stemqa index $(DOCUMENTS) --library $(LIBRARY)

.PHONY: serve
serve: library ## Page and API on http://127.0.0.1:7860, installing and building first what is missing
	@exec $(BIN)/stemqa serve --library $(LIBRARY) --host $(HOST) --port $(PORT)

.PHONY: evaluate
evaluate: library ## Score the library on the shipped questions: a table, JSON and a page in reports/
	@$(BIN)/stemqa evaluate --library $(LIBRARY) --output reports

# ---------------------------------------------------------------- check

.PHONY: test
test: check pytest ## Format, lint, types, import contracts, tests

.PHONY: check
check: $(TEST) ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: pytest
pytest: $(TEST) ## The tests alone
	$(BIN)/pytest

.PHONY: format
format: $(TEST) ## Format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# ---------------------------------------------------------------- keep

# Resolved afresh from the default index and nowhere else, so that the pins hold for everybody. Needs the network.
.PHONY: constraints
constraints: $(BIN)/python ## Pin the newest versions in constraints.txt
	@{ echo "# Every package, direct and indirect, of all groups; made by: make constraints"; \
	PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= $(BIN)/python -m pip --disable-pip-version-check \
		install --dry-run --ignore-installed --quiet --report - '.[test,browser,training,scale]' setuptools torch==$(TORCH) \
	| $(BIN)/python -c 'import json, sys; \
		pins = [(p["metadata"]["name"], p["metadata"]["version"]) for p in json.load(sys.stdin)["install"]]; \
		print(*sorted((f"{n}=={v}" for n, v in pins if n != "stemqa"), key=str.lower), sep="\n")'; } > $(VENV)/constraints.new
	@mv $(VENV)/constraints.new constraints.txt

.PHONY: image
image: ## Build the container image
	docker build --tag stemqa .

.PHONY: clean
clean: ## Remove .venv, the library of the shipped corpus, reports and caches
	rm -rf $(VENV) library reports build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
