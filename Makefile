# Two commands: `make lab` opens the notebooks, `make test` proves everything they stand on.

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt
JOBS ?= 2
# What `make lab` fetches on its first call (93 MB); MODEL=village fetches nothing.
MODEL ?= smollm2
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup
# Two test workers with two BLAS threads each are slower than two with one on a two-core machine.
export OMP_NUM_THREADS ?= 1

.PHONY: lab test check lint node help

help:
	@echo "make lab     set up on the first call, then open JupyterLab on notebooks/00_start_here.ipynb (MODEL=village fetches no model)"
	@echo "make test    install what the tests need, then run all of them (browser, notebooks and wheel included)"
	@echo "make check   style, types, import contracts and the quick tests: under two minutes"
	@echo "make node    install what checks the front-end modules, pinned; needs Node, and nothing else here does"

lab: $(VENV)/.lab
	@sh scripts/model.sh $(VENV) $(MODEL)
	@$(BIN)/warpviz lab notebooks $(ARGS)

# Tests of real models may fetch one that comes without terms; without a network they are skipped.
test: export WARPVIZ_FETCH = 1
test: $(VENV)/.dev
	@sh scripts/chromium.sh
	@$(MAKE) --no-print-directory lint
	@$(PYTEST) || { echo "Once more what failed, by itself:"; $(BIN)/python -m pytest -n 1 --last-failed --last-failed-no-failures none; }

check: $(VENV)/.dev lint
	@$(PYTEST) -m "not browser and not notebook and not wheel and not slow"

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@if [ -x node_modules/.bin/biome ]; then npm run --silent check; \
	else echo "Skipped: biome and tsc on warpviz/static (make node installs both; it needs Node)."; fi

node:
	@npm ci --no-audit --no-fund

# The stamps make a second call start at once; a changed pyproject or constraints file installs again.
$(VENV)/.lab: pyproject.toml constraints.txt
	@sh scripts/venv.sh $(VENV)
	@echo "Installing what the notebooks need; this takes a few minutes, once."
	@$(PIP) --quiet --editable ".[gguf]"
	@touch $@

$(VENV)/.dev: $(VENV)/.lab
	@echo "Installing what the tests need."
	@$(PIP) --quiet --editable ".[dev]"
	@touch $@
