# Two commands do everything: `make report` and `make test`. The environment lives in .venv.
SHELL := /bin/sh
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
# The packages are there, and the project is installed on top of them. Each mark is set last, so
# that a set-up cut short is begun again.
PACKAGES := .venv/.packages
READY := .venv/.ready
ENGINES := tests/engines/requirements.lock
LOCK := uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --upgrade
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0

.DEFAULT_GOAL := help
.PHONY: help report test cover lab check strip bench engines lock clean

help: ## show this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

report: $(READY) ## set up and publish the weekly report (ARGS="--source FOLDER" for your own data)
	@$(BIN)/siyu report $(ARGS)

test: check ## set up and run every check and test (ARGS="-k funnel" for some)
	@$(PYTEST) $(ARGS)

cover: $(READY) ## run the tests and tell which lines none of them reaches (a fifth slower)
	@$(PYTEST) --cov --cov-report=term $(ARGS)

check: $(READY) ## set up and check style, types and layers
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

# LANGUAGE may come from the desktop ("en_US:en"), so only a language of ours counts.
lab: $(READY) ## open JupyterLab on notebooks/ (LANGUAGE=zh for copies in Chinese)
	@folder=$(if $(filter zh,$(LANGUAGE)),$$($(BIN)/siyu translate zh),notebooks) && \
	  $(BIN)/jupyter lab --ServerApp.root_dir="$$folder" $(ARGS)

bench: engines ## measure against the peers, and keep and draw it (ARGS="--events 1000000 10000000")
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement benchmarks/requirements.lock
	@for study in funnel retention push_timing rfm future; do \
	  $(BIN)/python -m benchmarks.$$study --save $(ARGS) || exit; done
	@$(BIN)/python -m benchmarks.runner --save
	@$(BIN)/python -m benchmarks.interactive --save
	@$(BIN)/python -m benchmarks.engines --save
	@$(BIN)/python -m benchmarks.picture

strip: $(READY) ## bring the notebooks into the form they have in git: no outputs
	@$(BIN)/jupyter nbconvert --log-level WARN --clear-output --inplace \
	  --ClearMetadataPreprocessor.enabled=True \
	  --ClearMetadataPreprocessor.preserve_nb_metadata_mask=kernelspec \
	  --ClearMetadataPreprocessor.preserve_cell_metadata_mask=tags notebooks/*.ipynb

engines: $(READY) ## add what PostgreSQL and Spark need, for data that lie there and for their tests
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement $(ENGINES)

lock: ## resolve the dependencies again (needs uv)
	$(LOCK) pyproject.toml --extra dev --output-file requirements.lock
	printf 'psycopg[binary]\npyspark\n' | $(LOCK) - --constraint requirements.lock --python-version 3.11 --output-file $(ENGINES)

clean: ## remove the environment and the caches; reports stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*

# Bytecode is compiled here, once: a notebook that imports uncompiled packages starts two to three
# times slower, and uv compiles only when asked.
$(PACKAGES): requirements.lock
	@rm -rf .venv
ifdef UV
	@echo "Setting up .venv with uv (once, under a minute) ..." >&2
	@uv venv --quiet --python '$(or $(PYTHON),>=3.11)' .venv
	@uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --requirement requirements.lock
else
	@$(or $(PYTHON),python3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "siyu needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Setting up .venv with pip (once, two to four minutes; uv would take one) ..." >&2
	@$(or $(PYTHON),python3) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile --require-hashes --requirement requirements.lock
endif
	@touch $@

$(READY): $(PACKAGES) pyproject.toml
ifdef UV
	@uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endif
	@touch $@
