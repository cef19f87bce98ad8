# Everything runs from one environment, .venv, which is made on first use.
#   make demo    the main job, end to end, on photographs
#   make test    linters, then all tests
#   make lint    linters only
#   make bench   measurements, recorded in benchmarks/; FACES=DIR LIVE_SECONDS=60 for `live` on photographs
#   make test-slow  the tests that take minutes each
#   make test-usb   a camera at the USB bus, in a virtual machine with Debian's kernel (what it needs: README.md)
#   make tfhe    the second engine, in an environment of its own (6 GB); make test-tfhe tests it against the first

PYTHON ?= python3
BIN := .venv/bin
TFHE_LOCK := shared/blindwatch/he/tfhe/requirements.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-slow test-usb lint bench tfhe test-tfhe clean
.DELETE_ON_ERROR:

demo: .venv/demo.stamp
	$(BIN)/blindwatch demo

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: .venv/dev.stamp
	$(BIN)/python -m pytest -m slow -n 2

test-usb: .kernel/stamp .venv/dev.stamp
	$(BIN)/python tests/machine.py .kernel $(BIN)/python -m pytest -m usb tests/client/test_usb.py

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev.stamp
	$(BIN)/blindwatch bench --record benchmarks $(if $(FACES),--faces $(FACES)) $(if $(LIVE_SECONDS),--seconds $(LIVE_SECONDS))

tfhe: .venv-tfhe/stamp .venv/demo.stamp
	BLINDWATCH_TFHE=.venv-tfhe $(BIN)/python -m blindwatch.opinion.environment

test-tfhe: tfhe .venv/dev.stamp
	BLINDWATCH_TFHE=.venv-tfhe $(BIN)/python -m pytest -m tfhe tests/opinion

clean:
	rm -rf .venv .venv-tfhe .kernel blindwatch-demo

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv-tfhe/stamp: $(TFHE_LOCK)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Concrete ML is locked for Python 3.11; name it: make PYTHON=python3.11 tfhe")'
	$(PYTHON) -m venv .venv-tfhe
	.venv-tfhe/bin/python -m pip install --quiet --requirement $(TFHE_LOCK)
	.venv-tfhe/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

# The package that the one for the newest kernel of this Debian depends on.
.kernel/stamp:
	mkdir -p .kernel
	cd .kernel && apt-get download $$(apt-cache show --no-all-versions linux-image-amd64 | sed -n 's/^Depends: \([^ ,]*\).*/\1/p')
	dpkg-deb -x .kernel/linux-image-*.deb .kernel
	rm .kernel/*.deb
	touch $@

.venv/demo.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[all]"
	touch $@

.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@ .venv/demo.stamp
