# Every target sets itself up: Python 3.11 and make are all that a fresh machine needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup run test browser screenshots check docs faults bench lock clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## the virtual environment, from the lock, hashes checked
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Palpate needs Python 3.11 or newer: install it, or say where it is with PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

run: $(READY) ## the main job, live: claims in, clinician told, correction closes the case
	@$(BIN)/palpate demo

test: $(READY) browser ## every test, on a real server
	$(PYTEST) -n 2 --dist loadfile

# The inbox is tested in a real browser; PALPATE_CHROMIUM names one that is elsewhere.
browser:
	@test -n "$$PALPATE_CHROMIUM" || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { apt-get update -q && apt-get install -y -q chromium; }

screenshots: $(READY) browser ## the pictures of the inbox in docs/screenshots
	$(BIN)/python -m docs.take_screenshots
	$(BIN)/python -m docs.take_report_pictures

check: $(READY) ## linters, types, import layers, generated files, compose and Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/hadolint deploy/Dockerfile

docs: $(READY) ## what is built from the code: rule pages, JSON Schema, AsyncAPI, OpenAPI, reply tables
	$(BIN)/palpate schema --write schemas
	$(BIN)/palpate rules --write docs/rules
	$(BIN)/python -m docs.write_replies

faults: $(READY) ## real processes killed for real, in full
	PALPATE_FAULTS=full PALPATE_FAULTS_TABLE=docs/faults.md $(PYTEST) tests/faults

bench: $(READY) ## everything side by side, as ratios, into bench/RESULTS.md; some a quarter of an hour
	$(BIN)/python -m bench

lock: ## resolve the pins anew
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --extra dev --no-emit-index-url -q -U -o requirements.lock pyproject.toml

clean: ## remove what make made
	rm -rf $(VENV) bench/.environments .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
