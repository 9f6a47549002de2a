# Every target sets itself up: Python 3.11+, make and a package index are all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

# an instance is several processes: compiled modules make each of them start in half the time
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-all test-deep lint bench soak docs clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make .venv with Headgate and all that tests need

# uv installs the locked versions where it can be had; pip resolves them otherwise.
$(STAMP): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("Headgate needs Python 3.11 or newer; run: make PYTHON=python3.12 setup") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV), once …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check 'uv>=0.9' 2>/dev/null || true
	@if test -x $(BIN)/uv; then \
		VIRTUAL_ENV=$(VENV) $(BIN)/uv sync -q --active --frozen --inexact --group dev; \
	else \
		$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1' && \
		$(BIN)/python -m pip install -q --disable-pip-version-check -e . --group dev; \
	fi
	@touch $@

demo: setup ## Train, package, register, approve, deploy, predict, replace under load
	@$(BIN)/headgate demo $(ARGS)

up: setup ## Run Headgate here
	@$(BIN)/headgate up $(ARGS)

test: setup ## The suite without heavy frameworks
	@$(BIN)/python -m pytest -q -n auto --dist loadfile -m 'not heavy and not soak' $(ARGS)

test-all: setup ## What `test` leaves out: heavy and long cases (PAGE=1 writes docs/reference/frameworks.md)
	@# where there is no wheel of a framework or of the fuzzer, their tests skip and say so
	@if test -x $(BIN)/uv; then for group in frameworks fuzz; do \
		VIRTUAL_ENV=$(VENV) $(BIN)/uv sync -q --active --frozen --inexact --group dev --group $$group || true; done; fi
	@$(BIN)/python -m pytest -q -n auto --dist loadfile -m heavy $(ARGS)
	@# the table of frameworks: alone on the machine, with the estimators of `test` too
	@$(if $(PAGE),HEADGATE_TEST_PAGE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/packaging/test_estimators.py -k test_estimator)

# plain PyPI has PyTorch with CUDA, several GB
TORCH ?= torch==2.13.0 --extra-index-url https://download.pytorch.org/whl/cpu
test-deep: setup ## Deep-learning frameworks too: installs 1.1 GB (PyTorch for CPUs, transformers, Keras)
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install -q $(TORCH)
	@$(BIN)/python -m pip install -q -e '.[transformers,keras,skops]'
	@$(BIN)/python -m pytest -q tests/deep tests/runtimes/test_conformance.py tests/packaging/test_frameworks.py $(ARGS)

lint: setup ## Linter, formatter and type checker
	@$(BIN)/ruff check src tests benchmarks
	@$(BIN)/ruff format --check -q src tests benchmarks
	@$(BIN)/mypy

bench: setup ## Measure against the references (QUICK=1, PEERS=1; PAGE=1 writes docs/performance.md)
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(PEERS),--peers) $(ARGS)
	@$(if $(PAGE),$(BIN)/python -m benchmarks.report benchmarks/results/last.json)

soak: setup ## Long runs under load and faults
	@$(BIN)/python -m pytest -q -m soak $(ARGS)

docs: setup ## Write the generated reference pages
	@$(BIN)/python -m headgate.cli.reference docs/reference
	@$(BIN)/python -m benchmarks.report
	@$(BIN)/python -m benchmarks.reliability --page

clean: ## Remove what was made here
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
