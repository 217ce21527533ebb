# The verbs of this project. `make help` explains them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := src tests benchmarks locks release docs/conf.py docs/gallery
# whose functions take arrays: jaxtyping compares shapes at each call there
SHAPED := $(addprefix tests/,inference metrics models preprocessing protocols \
    signal_io store tasks test_bandpower.py test_families.py test_lag.py test_learners.py \
    test_objectives.py test_offsets.py test_trial_learners.py)
# each of two test processes keeps to one core: threads of libraries would share both;
# byte code is kept even where it is switched off, for all the processes that tests start
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.DEFAULT_GOAL := help
.PHONY: help install lock demo test test-shapes test-slow test-long test-oldest check format bench bench-full docs gallery package clean

help:  ## Explain the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## Make .venv with the package, every extra and the tools
	@$(if $(filter install,$(MAKECMDGOALS)),echo 'source $(BIN)/activate    # makes deepvanet available in this shell',:)

# hashes of all that is installed, and nothing that is not listed; see CONTRIBUTING.md
LOCKED := $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --require-hashes
LOCKS := $(addprefix locks/, build.txt torch-cpu.txt requirements.txt cuda.txt)

$(INSTALLED): pyproject.toml $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, got " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(LOCKED) --requirement locks/build.txt
	$(LOCKED) --requirement locks/torch-cpu.txt 2> /dev/null || echo "PyTorch without CUDA was not found: it comes from PyPI"
	$(LOCKED) --requirement locks/requirements.txt
	$(BIN)/python -m pip check > /dev/null || $(LOCKED) --requirement locks/cuda.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	@touch $@

lock:  ## Write locks/ again, from pyproject.toml and constraints.txt
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv==0.13.9
	build/lock/bin/python locks/lock.py

demo: install  ## Run the whole pipeline on synthetic data, under five minutes
	$(BIN)/deepvanet demo --out demo

test: install  ## Run the tests, about six minutes on two cores
	$(PYTEST) --dist loadfile -m 'not slow and not long'

test-shapes: install  ## Run tests of array functions, with types and shapes checked
	$(PYTEST) --dist loadfile -m 'not slow and not long' \
	    --jaxtyping-packages=deepvanet,beartype.beartype $(SHAPED)

test-slow: install  ## Run the tests that take minutes each
	$(PYTEST) --dist loadfile -m 'slow and not long'

test-long: install  ## Run simulations with a known truth, and what takes hours
	$(PYTEST) --dist loadfile -m long

# without what is built of the documentation and read of BIOPAC, whose packages are not
# there; warnings of old packages are no errors
test-oldest:  ## Run the default tests with the lowest versions that may be installed
	test -x build/lock/bin/uv || $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv==0.13.9
	build/lock/bin/python release/oldest.py
	$(subst $(BIN)/,build/oldest/bin/,$(PYTEST)) --dist loadfile -m 'not slow and not long' \
	    --override-ini filterwarnings=default -k 'not biopac' \
	    --ignore tests/test_docstrings.py --ignore tests/test_site.py

check: install  ## Lint, types, floors of the layout, spelling
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports
	$(BIN)/codespell src tests docs benchmarks locks/lock.py release README.md CHANGELOG.md CONTRIBUTING.md

format: install  ## Format the code
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: install  ## Measure speed as ratios, side by side in one run
	$(BIN)/python benchmarks/bench.py

bench-full: install  ## The same for half an hour, with all of DEAP's subjects
	$(BIN)/python benchmarks/bench.py --full

package:  ## Build wheel and source, check them, install them with each extra
	$(PYTHON) release/check.py

docs: install  ## Build the documentation; a warning is an error
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

gallery: install  ## The same with the output of every example, under ten minutes
	DEEPVANET_GALLERY=all $(BIN)/sphinx-build -W -q -b html docs docs/_build/html
	@echo docs/_build/html/auto_gallery/index.html

clean:  ## Remove what the other verbs made
	rm -rf $(VENV) demo build dist docs/_build docs/auto_gallery .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
