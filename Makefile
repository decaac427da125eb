# The commands of the project. `make bench` and `make test` need python3 with venv, and nothing else.
#   make bench        data, training, evaluation, cards and board: the main job
#   make test         lint, types, layers, tests
#   make test-slow    the tests that take minutes
#   make board-check  is the board what its predictions give, and what changed since origin/main? As a pull request is asked
#   make lint         without the tests        make format       rewrite the code in the house's layout
#   make constraints  look for new versions    make clean        back to a fresh clone, runs/ kept
SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= python3
WORKERS ?= 2
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp

# Empty is off: without bytecode, every start of torch costs 15 s of CPU instead of 5.
export PYTHONDONTWRITEBYTECODE :=
# Nothing is fetched and nothing phones home. Only setup and constraints use a network.
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1

.PHONY: setup bench test test-slow board-check lint format constraints clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt setup.sh
	VENV=$(VENV) PYTHON=$(PYTHON) ./setup.sh
	@touch $@

bench: setup
	$(BIN)/xraybench bench

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-slow: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

board-check: setup
	XRAYBENCH=$(BIN)/xraybench scripts/check_board.sh

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Compiled without find-links and for every platform, so that the file names no place and no build.
constraints: setup
	env -u UV_FIND_LINKS -u PIP_FIND_LINKS $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 \
	    --all-extras --no-header --no-annotate --no-emit-package xraybench pyproject.toml -o $(VENV)/constraints.txt
	{ sed -n '/^#/p' constraints.txt; cat $(VENV)/constraints.txt; } > $(VENV)/new.txt && mv $(VENV)/new.txt constraints.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
