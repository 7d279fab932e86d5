# `make demo` and `make test` do all the set-up they need: Python 3.11 or newer, git and make suffice.

PYTHON ?= python3
VENV ?= .venv
# tests wait more than they count: more of them at a time than there are processors
JOBS ?= $(shell $(PYTHON) -c 'import os; print(1 + os.cpu_count())')
BIN := $(VENV)/bin

.PHONY: help setup demo test soak engine check bench clean

help:
	@echo "make demo   train on a real data set in every place there is, and open the result"
	@echo "make test   run the tests"
	@echo "make soak   run the tests that take minutes: every fault at every step"
	@echo "make engine bring up a container engine and a base image for the container tests"
	@echo "make check  run ruff, mypy, the architecture test and the doctests"
	@echo "make bench  run the benchmarks and print their ratios"
	@echo "make clean  remove what make made"

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/python notebooks/demo.py

test: setup
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile

soak: setup
	$(BIN)/python -m pytest -m soak --numprocesses $(JOBS)

engine:
	@PYTHON="$(or $(wildcard $(BIN)/python),$(PYTHON))" tests/engine/up
	@echo "# so that tests find it: eval \"\$$(tests/engine/up)\""

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_architecture.py
	$(BIN)/python -m pytest --quiet --doctest-modules tg

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info temp data-cache
