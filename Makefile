# Holdfast's errands. `make` lists them.
SHELL = /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL = help

ARGS =
VENV = .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.stamp
# The first Python of at least 3.11, unless PYTHON= names one.
PYTHON =
LEAST = 3.11
# Tests run on two cores, each with a PostgreSQL and Redis of its own.
CORES = --numprocesses 2 --dist worksteal
# Where it is set, each process compiles a thousand modules anew, and starts in six seconds instead of one and a half.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## list these errands
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

.PHONY: up
up: $(STAMP) ## start everything; options in ARGS="--port 9000"
	@exec $(BIN)/python manage.py up $(ARGS)

.PHONY: test
test: $(STAMP) ## run all tests; options in ARGS="-k name"
	$(BIN)/python -m pytest $(CORES) $(ARGS)

.PHONY: test-fast
test-fast: $(STAMP) ## run the tests that need no browser and kill nothing
	$(BIN)/python -m pytest $(CORES) -m "not browser and not chaos" $(ARGS)

.PHONY: lint
lint: $(STAMP) ## check format, style, types, import contracts, templates and migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --check templates
	$(BIN)/python manage.py makemigrations --check --dry-run

.PHONY: format
format: $(STAMP) ## rewrite code and templates in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djlint --reformat --quiet templates

.PHONY: bench
bench: $(STAMP) ## measure; options in ARGS
	$(BIN)/python -m bench.main $(ARGS)

.PHONY: bench-pipeline
bench-pipeline: $(STAMP) ## measure jobs, batches, breakers and caches; options in ARGS
	$(BIN)/python -m bench.pipeline $(ARGS)

.PHONY: bench-monitoring
bench-monitoring: $(STAMP) ## measure recording, pages on a month of history, alerts; options in ARGS
	$(BIN)/python -m bench.monitoring $(ARGS)

.PHONY: bench-flags
bench-flags: $(STAMP) ## measure evaluation, toggles, a thousand flags and their page; options in ARGS
	$(BIN)/python -m bench.flags $(ARGS)

.PHONY: bench-quality
bench-quality: $(STAMP) ## measure what is found again, and what is seen as the same; options in ARGS
	$(BIN)/python -m bench.quality.main $(ARGS)

.PHONY: bench-search
bench-search: $(STAMP) ## measure search on 100,000 memories; ARGS="--users 10000 --memories 1000000" for the long form
	$(BIN)/python -m bench.search $(ARGS)

.PHONY: chaos
chaos: $(STAMP) ## run the tests that kill processes, in their long form (about half an hour)
	HOLDFAST_CHAOS=full $(BIN)/python -m pytest -m chaos $(ARGS)

.PHONY: simulate
simulate: $(STAMP) ## judge 400 simulated rollouts of each kind by the guard (about six minutes)
	HOLDFAST_SIMULATION=full $(BIN)/python -m pytest -s tests/flags/guard/test_simulation.py $(ARGS)

.PHONY: screens
screens: $(STAMP) ## make the screenshots in docs/screens anew
	HOLDFAST_SCREENS=1 HOLDFAST_REQUIRE_BROWSER=1 $(BIN)/python -m pytest -m browser $(ARGS)

.PHONY: lock
lock: | $(BIN)/python ## pin all versions anew in requirements.lock
	@$(UV) pip compile --quiet --upgrade --universal --python-version $(LEAST) --group dev --no-emit-index-url \
		--custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml

.PHONY: clean
clean: ## remove the environment and caches; the data in .holdfast stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis htmlcov .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment: uv of this machine makes it when there is one; else venv does, and pip brings uv into it

UV = $$(command -v uv || echo $(BIN)/uv)

$(STAMP): requirements.lock | $(BIN)/python
	@echo "installing what requirements.lock pins"
	@$(UV) pip install --quiet --python $(BIN)/python --requirement requirements.lock
	@touch $@

$(BIN)/python:
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Holdfast needs Python $(LEAST) or newer, and found $(or $(PYTHON),none): install it, or name one: make PYTHON=..." >&2; \
		exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$python" --version)"; \
	if command -v uv >/dev/null; then exec uv venv --quiet --python "$$python" $(VENV); fi; \
	if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		"$$python" -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && exit; \
	elif "$$python" -c 'import pip, venv' 2>/dev/null; then \
		"$$python" -m venv --without-pip $(VENV) \
			&& "$$python" -m pip --python $(BIN)/python install --quiet --disable-pip-version-check uv && exit; \
	else \
		echo "This Python can make no environment (ensurepip is missing): install python3-venv (Debian," \
			"Ubuntu: apt-get install python3-venv), or put uv on PATH." >&2; \
	fi; \
	rm -rf $(VENV); \
	echo "$(VENV) could not be made; what went wrong stands above." >&2; \
	exit 1
