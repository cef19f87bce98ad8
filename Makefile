# Everything runs from one environment, .venv, which is made on first use.
#   make demo    the main job, end to end, on photographs
#   make test    linters, then all tests
#   make lint    linters only
#   make bench   measurements, recorded in benchmarks/

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint bench clean
.DELETE_ON_ERROR:

demo: .venv/demo.stamp
	$(BIN)/blindwatch demo

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev.stamp
	$(BIN)/blindwatch bench --record benchmarks

clean:
	rm -rf .venv blindwatch-demo

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/demo.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[all]"
	touch $@

.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@ .venv/demo.stamp
