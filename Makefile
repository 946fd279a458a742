# Two commands are enough for a newcomer: `make demo` and `make test`. Each sets up by itself what is missing.
# `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:

# The first Python of 3.12 or later that is found makes the environment; PYTHON=... overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
LOCKED := .venv/.herder-locked
STAMP := .venv/.herder-installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
REPORT := $(PIP) --dry-run --ignore-installed --report
RIG := PYTHONPATH=tests $(BIN)/python -m rig

.PHONY: help setup control-plane demo up down test failovers test-unit lint sbom image format generate lock bench bench-scale clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with the pinned, hashed dependencies and herder itself

$(LOCKED): requirements-dev.lock
	@test -n "$(PYTHON)" || { echo "herder needs Python 3.12 or later on PATH (or PYTHON=/path/to/python3.x)" >&2; exit 1; }
	@echo "==> installing the $$(grep -c == $<) locked dependencies into .venv ($$($(PYTHON) --version)); it says no more for a minute or so" >&2
	@$(PYTHON) -m venv .venv || { echo "python's venv module is missing (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PIP) --require-hashes --only-binary :all: -r requirements-dev.lock >&2
	@touch $@

$(STAMP): $(LOCKED) pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable . >&2
	@touch $@

control-plane: setup ## build what is missing of the control plane; the last line is its folder
	@$(RIG).control_plane

demo: setup ## show what herder is for, in about a minute
	@$(RIG).demo

up: setup ## leave a control plane, three gateway replicas, workers and the operator running
	@$(RIG).playground up

down: setup ## end what `make up` left running
	@$(RIG).playground down

test: setup ## run every test
	@$(RIG).control_plane > /dev/null
	@$(BIN)/python -m pytest -n 6 --dist load --maxschedchunk 1

failovers: setup ## force ten thousand changes of leadership among clocks that are wrong, in virtual time
	@HERDER_TEST_FAILOVERS=10000 $(BIN)/python -m pytest -q -n 2 tests/unit/controller/leadership/test_failovers.py

test-unit: setup ## run the tests that need no process beside them
	@$(BIN)/python -m pytest -n 4 tests/unit

bench: setup ## time the engine beside its ancestor, LangGraph and asyncio; writes docs/engine-bench.*
	@PYTHONPATH=tests $(BIN)/python -m bench

bench-scale: setup ## flood three real replicas, and restart one, beside posting by hand; writes docs/scale.md
	@$(RIG).control_plane > /dev/null
	@PYTHONPATH=tests $(BIN)/python -m bench.scale

lint: setup ## ruff, mypy, import contracts, and that generated files are fresh
	@test ! -e operator/__init__.py || { echo "operator/__init__.py hides the standard library's operator: remove it" >&2; exit 1; }
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/herder crds --check
	@$(BIN)/herder crds --check --folder charts/herder/files/crds
	@$(BIN)/herder workflows | cmp --quiet - docs/workflows.md || { echo "docs/workflows.md is stale: make generate" >&2; exit 1; }
	@$(BIN)/herder reasons | cmp --quiet - docs/reasons.md || { echo "docs/reasons.md is stale: make generate" >&2; exit 1; }
	@$(BIN)/python -m herder.cli.flags | cmp --quiet - docs/flags.md || { echo "docs/flags.md is stale: make generate" >&2; exit 1; }
	@$(BIN)/python -m herder.controller.metrics.page | cmp --quiet - docs/metrics.md || { echo "docs/metrics.md is stale: make generate" >&2; exit 1; }
	@$(BIN)/python charts/document.py | cmp --quiet - docs/values.md || { echo "docs/values.md is stale: make generate" >&2; exit 1; }
	@$(BIN)/python gitops/argocd/render.py | cmp --quiet - gitops/argocd/argocd-cm.yaml || { echo "gitops/argocd/argocd-cm.yaml is stale: make generate" >&2; exit 1; }

sbom: setup ## write dist/sbom.cdx.json: what the lock installs on this machine; an image has its own
	@mkdir -p dist
	@$(REPORT) dist/own.json --no-deps --no-build-isolation '.[otel]'
	@$(REPORT) dist/dependencies.json --require-hashes --only-binary :all: --requirement requirements.lock
	@$(BIN)/python image/sbom.py dist/own.json dist/dependencies.json > dist/sbom.cdx.json
	@echo dist/sbom.cdx.json

image: setup ## build the image without Docker, as root on Debian, and print what its layers take
	@$(RIG).image

format: setup ## let ruff format and mend what it can
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

generate: setup ## render crds/ from the models, pages and diagrams of docs/ and gitops/argocd-cm.yaml from the code
	@$(BIN)/herder crds
	@$(BIN)/herder crds --folder charts/herder/files/crds
	@$(BIN)/herder workflows > docs/workflows.md
	@$(BIN)/herder reasons > docs/reasons.md
	@$(BIN)/python -m herder.cli.flags > docs/flags.md
	@$(BIN)/python -m herder.controller.metrics.page > docs/metrics.md
	@$(BIN)/python charts/document.py > docs/values.md
	@$(BIN)/python gitops/argocd/render.py > gitops/argocd/argocd-cm.yaml
	@$(BIN)/python -m herder.engine.diagrams docs/engine.md

lock: setup ## resolve the dependencies anew and write the locks
	@$(BIN)/uv pip compile -q --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --upgrade \
		pyproject.toml --extra otel -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --upgrade \
		pyproject.toml --extra otel --group dev -c requirements.lock -o requirements-dev.lock

clean: ## remove what setup made
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
