# The two commands: `make demo` does the main job, `make test` proves it. Each does its own set-up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
APP    := $(VENV)/.app-installed
STAMP  := $(VENV)/.dev-installed

# The tests are kept compiled: each of their processes collects them all.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-fast lint format screenshots benchmark clean

demo: $(APP)
	@$(BIN)/flowtui demo

# Real parts are waited for more than they work: more tests at once than processors. What is
# installed has its bytecode; what the tests start hundreds of times has it, too.
test: $(STAMP)
	@sh tests/parts/install.sh
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -m "not real" -n 2 -q
	@$(BIN)/python -m compileall -q -x demo_flows flowtui
	@$(BIN)/python -m pytest -m real -n 3 --dist loadfile --no-loadscope-reorder

test-fast: $(STAMP)
	@$(BIN)/python -m pytest -m "not real and not slow" -n 2 -q

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/pyright

format: $(STAMP)
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

screenshots: $(STAMP)
	@$(BIN)/python -m screenshots.make

benchmark: $(STAMP)
	@$(BIN)/python -m benchmarks

$(APP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("flowtui needs Python 3.11 or newer, this is %s; choose one with make PYTHON=python3.11" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $(APP)

$(STAMP): $(APP)
	@echo "adding what tests and checks need …"
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache
