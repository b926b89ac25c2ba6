# Two commands on a fresh machine: `make demo` and `make test`. Needs Python 3.11 or later and make, nothing else.
# README.md gives the same in plain pip.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test bench docs lint lock clean

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(name))))
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCKED := --only-binary=:all: --require-hashes

help:
	@echo "make demo    a plan on the embedded head, and where its report is"
	@echo "make test    lint, types and every test"
	@echo "make bench   the table of measured numbers"
	@echo "make docs    the documentation, in docs/_build/html"
	@echo "make lint    format and lint only"
	@echo "make lock    resolve requirements/*.txt anew"
	@echo "make clean   remove the virtual environment and everything built"

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Anodyne needs Python 3.11 or later: install it, or say make PYTHON=/path/to/python"; exit 1; }
	@echo "making a virtual environment with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/core: requirements/core.txt pyproject.toml | $(VENV)/made
	@echo "installing what anodyne needs"
	@$(PIP) install $(LOCKED) --requirement requirements/core.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: requirements/dev.txt pyproject.toml | $(VENV)/made
	@echo "installing what anodyne and its tests need"
	@$(PIP) install $(LOCKED) --requirement requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/core

demo: $(VENV)/core
	@$(BIN)/anodyne demo

lint: $(VENV)/dev
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary

test: lint
	@scripts/install-test-programs
	@$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --quiet $(PYTEST)

bench: $(VENV)/dev
	@$(BIN)/python -m benchmarks $(BENCH)

docs: $(VENV)/dev
	@$(BIN)/sphinx-build -W --keep-going --quiet docs docs/_build/html
	@echo "docs/_build/html/index.html"

lock: $(VENV)/made
	@$(PIP) install 'uv>=0.9'
	@for part in "dev --extra docs --extra dev" "core --constraint requirements/dev.txt"; do \
		set -- $$part; name=$$1; shift; \
		$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --only-binary :all: --generate-hashes \
			--no-emit-index-url --no-header --no-annotate --group build "$$@" \
			--output-file requirements/$$name.txt pyproject.toml || exit 1; \
	done

clean:
	@rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
