# make bench   install what is needed, then measure the perf suite
# make test    the whole test suite, under TensorFlow 2 and, where a Python 3.7 is found, under TensorFlow 1.15
# make environments   make what `make test` runs in
# make clean   remove the environments

PYTHON ?= python3
PYTHON37 ?= $(shell for python in python3.7 $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.7.*/bin/python3.7; do \
	$$python -c 'import sys; print(sys.executable)' 2>/dev/null && break; done)
VENV ?= .venv
VENV_TF1 ?= .venv-tf1
PARALLEL := -n 2 --dist loadfile
INSTALL := -m pip install --quiet --disable-pip-version-check

# mypy beside the tests, and both environments at once; but what is cleaned away is cleaned first.
ifeq ($(filter clean,$(MAKECMDGOALS)),)
MAKEFLAGS += --jobs=2
endif
# Modules are compiled once, whatever the caller's shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: bench test lint types test-tf2 test-tf1 environments clean

bench: $(VENV)/installed
	$(VENV)/bin/python bench.py --suite perf

test: types test-tf2 test-tf1

environments: $(VENV)/installed-tests $(if $(PYTHON37),$(VENV_TF1)/installed-tests)

lint: $(VENV)/installed-tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: lint
	$(VENV)/bin/mypy

test-tf2: lint
	$(VENV)/bin/python -m pytest $(PARALLEL)

ifneq ($(PYTHON37),)
test-tf1: $(VENV_TF1)/installed-tests test-tf2
	$(VENV_TF1)/bin/python -m pytest $(PARALLEL) -m "not slow and not readers and not any_tensorflow and not hosts"
else
test-tf1:
	@echo "TensorFlow 1.15 was not tested: no Python 3.7 found (name one with PYTHON37=/path/to/python3.7)"
endif

$(VENV)/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 9) else "make needs Python 3.9 or later as PYTHON, found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	@echo "installing requirements.txt into $(VENV): several minutes"
	$(VENV)/bin/python $(INSTALL) -r requirements.txt
	@touch $@

$(VENV_TF1)/installed: requirements.txt
	$(PYTHON37) -m venv $(VENV_TF1)
	@echo "installing requirements.txt into $(VENV_TF1): several minutes"
	$(VENV_TF1)/bin/python $(INSTALL) --upgrade pip
	$(VENV_TF1)/bin/python $(INSTALL) -r requirements.txt
	@touch $@

%/installed-tests: tests/requirements.txt %/installed
	$*/bin/python $(INSTALL) -r tests/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(VENV_TF1)
