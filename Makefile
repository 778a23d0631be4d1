# What you can do here. `make` alone lists it.
#
# Needs Python 3.11 or newer with its venv module, and make; every pinned
# package comes as a wheel, so no compiler.

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NODE_STAMP := frontend/node_modules/.installed
OUT := out
WORKERS ?= 2
# A worker goes on with neighbours, which share servers and kernels, until it has none left.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# The first Python here that is new enough. 3.11 comes first because
# constraints.txt was made with it.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start some hundred processes, each of which would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help venv demo lab test test-long notebooks docs check bench measure coverage format constraints clean
.PHONY: check-format check-lint check-types check-layers check-docs check-frontend check-binder check-lowest
.PHONY: frontend site release-check chaos fuzz

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*##[[:space:]]*/\1\t/' \
		| awk -F'\t' '{ printf "make %-14s %s\n", $$1, $$2 }'

# ---------------------------------------------------------------- environment

venv: $(STAMP)  ## make the environment in .venv

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found." \
		"On Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments: its venv module is missing." >&2; \
		echo "Debian keeps it in a package of its own: apt-get install python3-venv" >&2; \
		exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Making the environment in $(VENV); the first time this takes a few minutes."
	$(BIN)/python -m pip install --quiet -c constraints.txt hatchling editables
	@# Not isolated, so that the pinned hatchling builds artigraph.
	$(BIN)/python -m pip install --quiet --no-build-isolation -c constraints.txt -e '.[dev]'
	@touch $@

constraints: pyproject.toml  ## pin the newest versions anew in constraints.txt
	rm -rf $(OUT)/constraints
	$(PYTHON) -m venv $(OUT)/constraints
	$(OUT)/constraints/bin/python -m pip install --quiet '.[dev]'
	@{ sed -n '/^#/p;/^#/!q' constraints.txt; \
		$(OUT)/constraints/bin/python -m pip freeze --exclude artigraph; } > $(OUT)/constraints.txt
	mv $(OUT)/constraints.txt constraints.txt
	rm -rf $(OUT)/constraints

# -------------------------------------------------------------- see it at work

demo: $(STAMP)  ## run the quickstart notebook and say where to look at it
	@mkdir -p $(OUT)
	$(BIN)/jupyter nbconvert --log-level=WARN --execute --to notebook \
		--output-dir $(OUT) notebooks/quickstart.ipynb
	$(BIN)/jupyter nbconvert --log-level=WARN --to html --output-dir $(OUT) $(OUT)/quickstart.ipynb
	@echo
	@echo "The quickstart ran. Look at it:"
	@echo "  in a browser:    file://$(CURDIR)/$(OUT)/quickstart.html"
	@echo "  in JupyterLab:   make lab, then open $(OUT)/quickstart.ipynb"
	@echo "  run it yourself: make lab, then open notebooks/quickstart.ipynb"

lab: $(STAMP)  ## open JupyterLab on the notebooks
	@# Jupyter refuses root unless told; in a fresh container one often is root.
	$(BIN)/jupyter lab $$(test "$$(id -u)" != 0 || echo --allow-root) \
		--LabApp.default_url=/lab/tree/notebooks/quickstart.ipynb

# ----------------------------------------------------------------------- check

test: $(STAMP)  ## run all tests, which run the notebooks as well
	$(PYTEST)

test-long: $(STAMP)  ## have tests of random values try 500 of them, ten times as many as usual
	$(PYTEST) -m hypothesis --hypothesis-profile=long

# What to measure with: make coverage TESTS=tests/codec
coverage: $(STAMP)  ## measure which branches the tests reach; the report goes to out/coverage
	@rm -rf $(OUT)/coverage && mkdir -p $(OUT)/coverage
	@# Processes of the tests that have given up root's rights write there as well.
	@chmod a+rwx $(OUT)/coverage
	@# A line that no process of the tests reaches is what is asked for, so slow ones run too.
	@status=0; $(PYTEST) --cov --cov-report=html --cov-report= $(TESTS) || status=$$?; \
		$(BIN)/python -m coverage report > $(OUT)/coverage/report.txt; grep ^TOTAL $(OUT)/coverage/report.txt; \
		echo "Line by line: $(OUT)/coverage/report.txt, file://$(CURDIR)/$(OUT)/coverage/html/index.html"; exit $$status

notebooks: $(STAMP)  ## run the notebooks; copies with their outputs go to out/notebooks
	@rm -rf $(OUT)/notebooks
	$(PYTEST) tests/docs/test_notebooks.py

docs: notebooks site  ## build the documentation, with the notebooks' outputs, in out/docs
	@echo "Look at it: file://$(CURDIR)/$(OUT)/docs/index.html"

# Of the notebooks as they ran last. Strict: a warning is an error.
site: $(STAMP)
	$(BIN)/python -m sphinx -q -W --keep-going -n -c docs -d $(OUT)/doctrees . $(OUT)/docs

check:  ## everything that CI runs: format, lint, types, layers, docs, tests, the site
	@$(MAKE) --no-print-directory check-format
	@$(MAKE) --no-print-directory check-lint
	@$(MAKE) --no-print-directory check-types
	@$(MAKE) --no-print-directory check-layers
	@$(MAKE) --no-print-directory check-docs
	@$(MAKE) --no-print-directory check-frontend
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory site

check-format: $(STAMP)
	$(BIN)/ruff format --check

check-lint: $(STAMP)
	$(BIN)/ruff check

check-types: $(STAMP)
	$(BIN)/mypy

check-layers: $(STAMP)
	$(BIN)/lint-imports --no-logo

check-docs: $(STAMP)
	$(BIN)/python -m pytest -q -m 'not slow' tests/docs

check-binder:  ## try what Binder installs, in throwaway environments; needs the package index
	PYTHON=$(PYTHON) .ci/binder

check-lowest:  ## try the lowest versions that pyproject.toml allows; needs the package index
	PYTHON=$(PYTHON) .ci/lowest

release-check:  ## try the wheel in an empty environment; needs the package index
	PYTHON=$(PYTHON) .ci/release

# Only who changes frontend/ needs node: the bundles are committed. As with the
# database servers, its checks are left out where it is missing, and fail in CI.
check-frontend:  ## check that the bundles are what frontend/ makes, its types and its tests
	@if command -v npm >/dev/null || test -n "$$ARTIGRAPH_REQUIRE_SERVERS"; then \
		$(MAKE) --no-print-directory $(NODE_STAMP) && npm --prefix frontend run --silent check; \
	else echo "Front end not checked: no node here. On Debian: apt-get install nodejs npm"; fi

frontend: $(NODE_STAMP) $(STAMP)  ## build the widgets' bundles; needs node
	$(BIN)/python frontend/operators.py
	npm --prefix frontend run --silent build

$(NODE_STAMP): frontend/package.json frontend/package-lock.json
	@command -v npm >/dev/null || { echo "No npm found, which builds the widgets' bundles." \
		"On Debian: apt-get install nodejs npm (node 18.18 or newer)." \
		"Using artigraph needs neither: the built files are in artigraph/notebook/static." >&2; \
		exit 1; }
	npm --prefix frontend ci --no-progress
	@touch $@

format: $(STAMP)  ## format the code and fix what can be fixed by itself
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

# Other minutes, a round that was seen before: make chaos SECONDS=60 SEED=7
chaos: $(STAMP)  ## set many processes at one store for ten minutes, with all that can go wrong
	$(BIN)/python -m tests.chaos --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

fuzz: $(STAMP)  ## read hostile rows and blobs by every door for five minutes
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),300) $(if $(SEED),--seed $(SEED))

bench: $(STAMP)  ## run every benchmark
	@failed=0; for benchmark in benchmarks/bench_*.py; do \
		name=$$(basename $$benchmark .py); echo "== $$name"; \
		$(BIN)/python -m benchmarks.$$name || failed=1; done; exit $$failed

measure: $(STAMP)  ## print how the package is built, in figures beside their targets
	$(BIN)/python -m benchmarks.measure

clean:  ## remove the environment and everything that was made here
	rm -rf $(VENV) $(OUT) build dist notebooks/quickstart-data notebooks/lessons-data frontend/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find artigraph tests benchmarks notebooks -name __pycache__ -type d -prune -exec rm -rf {} +
	find notebooks -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +
