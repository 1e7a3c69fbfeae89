# Two commands do everything: `make report` and `make test`. The environment lives in .venv.
SHELL := /bin/sh
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
READY := .venv/.ready
# uv leaves modules uncompiled unless asked; a notebook that imports uncompiled packages starts two to three times slower.
export UV_COMPILE_BYTECODE = 1

.DEFAULT_GOAL := help
.PHONY: help report test lab bench lock clean

help: ## show this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

report: $(READY) ## set up and publish the weekly report (ARGS="--source FOLDER" for your own data)
	@$(BIN)/siyu report $(ARGS)

test: $(READY) ## set up and run every check and test (ARGS="-k funnel" for some)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -n auto --cov --cov-report=term $(ARGS)

lab: $(READY) ## open JupyterLab on notebooks/
	@$(BIN)/jupyter lab --notebook-dir=notebooks $(ARGS)

bench: $(READY) ## measure against the peers (ARGS="--events 1000000")
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement benchmarks/requirements.lock
	@$(BIN)/python -m benchmarks.funnel $(ARGS)

lock: ## resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --upgrade --output-file requirements.lock

clean: ## remove the environment, caches and reports
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage* reports

$(READY): requirements.lock pyproject.toml
ifdef UV
	@uv venv --quiet --clear --python '>=3.11' .venv
	@uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	@uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "siyu needs Python 3.11 or newer; try make PYTHON=python3.11 ...")'
	@echo "Setting up .venv (once, two to four minutes; uv would take seconds) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endif
	@touch $@
