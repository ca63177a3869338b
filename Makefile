# make fuzz: set up and run a campaign of two minutes. make test: set up and run the tests. make check: format, lint, types, import order.
# Variables: TORCH (what pip installs; empty for none), VENV, PYTHON, TIME, ARGS (more arguments of `assay fuzz`), N (mutants).

TORCH ?= torch==2.13.0
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
TIME ?= 2m
N ?= 20
ARGS ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP_FLAGS := --disable-pip-version-check --quiet

.PHONY: FORCE setup fuzz test check mutants clean

setup: $(READY)

# The system under test comes first and alone, so that nothing installed after it decides its version.
# The file holds what was asked for, and changes only when that does.
$(VENV)/.torch: FORCE
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -f $@ && test "$$(cat $@)" = '$(TORCH)' || { \
	    if test -n '$(TORCH)'; then $(BIN)/python -m pip install $(PIP_FLAGS) '$(TORCH)' || exit 1; fi; \
	    $(BIN)/python -m pip freeze $(PIP_FLAGS) | grep -i '^torch==' > $(VENV)/constraints.txt || true; \
	    echo '$(TORCH)' > $@; }

$(READY): $(VENV)/.torch pyproject.toml
	$(BIN)/python -m pip install $(PIP_FLAGS) --constraint $(VENV)/constraints.txt --editable '.[dev,onnx]'
	touch $@

# Exit code 1 of a campaign says that it found something, which is no error here.
fuzz: $(READY)
	$(BIN)/assay fuzz --time $(TIME) $(ARGS) || test $$? -eq 1

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layout.py

mutants: $(READY)
	$(BIN)/python -m benchmarks.mutants run --count $(N) --time $(TIME) $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

FORCE:
