# Everything a person does here. Each target makes .venv by itself; `make help` lists them.

PYTHON ?= python3
JOBS ?= 2
OUT ?= output

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed

.DEFAULT_GOAL := help
.PHONY: help demo test oracle check format lint types gallery gallery-unchanged bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME)  ## derive a network's gradients on the screen, then generate and train another
	$(BIN)/derive explain testnet
	$(BIN)/derive build circles -o output/circles --force
	$(BIN)/python -B output/circles/train.py
	@echo
	@echo "The derivation above:  $(BIN)/derive explain testnet"
	@echo "All problems to try:   $(BIN)/derive examples"
	@echo "The derivation, the code and the training run of circles lie in output/circles:"
	@ls output/circles

test: $(DEV)  ## run the tests
	$(BIN)/python -m pytest -n $(JOBS)

SEED ?= 0
PROBLEMS ?= 10000
MATRICES ?= 5000

oracle: $(DEV)  ## compare 10,000 random gradients and 5,000 Jacobians and Hessians with autograd; SEED=N draws others
	$(BIN)/python -m tests.oracle.run $(PROBLEMS) --seed $(SEED) --jobs $(JOBS)
	$(BIN)/python -m tests.oracle.run $(MATRICES) --kind matrices --seed $(SEED) --jobs $(JOBS)

check: format lint types gallery-unchanged  ## formatting, lint, types, and that the gallery is what the code prints

format: $(DEV)
	$(BIN)/ruff format --check

lint: $(DEV)
	$(BIN)/ruff check

# mypy knows nothing of package-dir maps, so it reads the package in its installed form, as links.
types: $(DEV)
	@rm -rf .venv/layout && mkdir -p .venv/layout/derive
	@ln -s "$(CURDIR)"/derive/* "$(CURDIR)/cli" "$(CURDIR)/templates" .venv/layout/derive/
	cd .venv/layout && ../bin/mypy --config-file ../../pyproject.toml --cache-dir ../mypy-cache -p derive

gallery: $(DEV)  ## rewrite output/, one folder for each problem in derive/examples
	@names=$$($(BIN)/derive examples --names) && test -n "$$names" && \
	printf '%s\n' $$names | \
	xargs -P $(JOBS) -I NAME $(BIN)/derive build NAME -o "$(OUT)/NAME" --lang en --lang zh --force && \
	$(BIN)/derive examples --index "$(OUT)" --force

# What a training run writes depends on the machine, and so do the last digits of an error; nothing
# else that derive writes does.
gallery-unchanged: $(DEV)
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(MAKE) --no-print-directory gallery OUT="$$fresh" >/dev/null && \
	if diff -r -I '[0-9]e-[0-9]' -I '"\(error\|point\)": ' -x '*.png' -x __pycache__ output "$$fresh"; \
	then echo "gallery: unchanged"; \
	else echo "gallery: output/ is not what derive prints now; run 'make gallery' and read the difference"; exit 1; fi

bench: $(DEV)  ## run the benchmark programs
	@for program in tests/benchmarks/bench_*.py; do \
		echo "== $$program"; $(BIN)/python "$$program" || exit 1; \
	done

clean:  ## remove .venv and everything that builds and tests leave behind; output/ stays
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --seed .venv; \
	elif ! command -v $(PYTHON) >/dev/null 2>&1; then \
		echo "$(PYTHON) is not installed. On Debian and Ubuntu: apt install python3-venv"; exit 1; \
	elif ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "Python 3.11 or later is needed, got $$($(PYTHON) --version); name another: make PYTHON=python3.12 ..."; exit 1; \
	elif ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; \
	else \
		$(PYTHON) -m venv .venv; \
	fi

# $(call install,EXTRAS)
define install
	@echo "installing matrix-derive[$(1)] into .venv ..."
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python --editable '.[$(1)]'; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(1)]'; \
	fi
	@touch $@
endef

$(RUNTIME): pyproject.toml | $(BIN)/python
	$(call install,plot)

$(DEV): pyproject.toml | $(BIN)/python
	$(call install,dev$(comma)plot)

comma := ,
