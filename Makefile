# Everything works on a fresh machine with Python 3.11 or newer: each target makes the environment it needs.
PYTHON ?= python3
CONFIG ?= config/jain_wallace.yaml
PROFILE ?= profiles/local
# Whatever environment is active, this one is used; another one that is complete, such as conda's of environment.yml,
# is asked for: make book BIN="$CONDA_PREFIX/bin".
BIN := .venv/bin
STAMP := $(if $(filter .venv/bin,$(BIN)),.venv/.complete)
# Each worker begins with its own half of the tests, which keeps those of one file together.
WORKERS ?= 2
PYTEST = "$(BIN)"/python -m pytest -n $(WORKERS) --dist worksteal
SNAKEMAKE = "$(BIN)"/snakemake --profile "$(PROFILE)"

# Every notebook and every worker is a new process: they share compiled modules, whatever the environment says.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup book pdf sweep progress record readouts verify notebooks test test-fast test-slurm bench lint lab clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(STAMP)  ## make the environment in .venv (a few minutes, 3.5 GB)

.venv/.complete: pyproject.toml book/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": try make PYTHON=python3.12")'
	@echo "making the environment in .venv: a few minutes"
	test -x "$(BIN)"/python || $(PYTHON) -m venv .venv
	"$(BIN)"/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]" -e "book[lab]"
	@touch $@

book: $(STAMP)  ## build the site: build/_build/html/index.html (DATA=planted: generated texts; TRAIN=1: train)
	$(SNAKEMAKE)$(if $(DATA)$(TRAIN), --config$(if $(DATA), data=$(DATA))$(if $(TRAIN), train=true))

pdf: book  ## print the chapters into one file, build/attention.pdf (needs Chromium)
	"$(BIN)"/python book/_ext/pdf.py build/_build/html build/attention.pdf

sweep: $(STAMP)  ## run a grid of notebooks (CONFIG=config/jain_wallace.yaml PROFILE=profiles/local)
	$(SNAKEMAKE) --configfile "$(CONFIG)" -- sweep

progress: $(STAMP)  ## how far a grid is, and how long it will take (CONFIG=config/paper.yaml ARGS=--recorded)
	"$(BIN)"/python -m attnbook progress "$(CONFIG)" $(ARGS)

record: $(STAMP)  ## run a grid (CONFIG=config/jain_wallace.yaml) and record its results in book/results
	$(SNAKEMAKE) --configfile "$(CONFIG)" -- record

readouts: $(STAMP)  ## train the models of config/readouts.yaml, publish their Readouts, record what they say
	"$(BIN)"/python -m attnbook readouts
	$(SNAKEMAKE) --configfile config/readouts.yaml -- record

verify: $(STAMP)  ## run recorded runs again and compare (ARGS='paper=... dataset=... seed=0')
	"$(BIN)"/python -m attnbook verify $(ARGS)

test: $(STAMP)  ## run all tests, the book's and the browser's too
	$(PYTEST)

test-fast: $(STAMP)  ## run the tests that take less than half a second each
	$(PYTEST) -m "not slow"

test-slurm: $(STAMP)  ## run a small sweep on a Slurm node of Debian's packages (as root, for a trial)
	bash tests/slurm/one_node.sh

bench: $(STAMP)  ## measure the kernels (ARGS=--quick for a minute's run)
	"$(BIN)"/python -m benchmarks.run $(ARGS)

lint: $(STAMP)  ## check style, types and the direction of imports
	"$(BIN)"/ruff check
	"$(BIN)"/ruff format --check
	"$(BIN)"/mypy
	"$(BIN)"/lint-imports

lab: $(STAMP)  ## open the notebooks in JupyterLab
	"$(BIN)"/jupyter lab notebooks

notebooks: $(STAMP)  ## convert the notebooks to build/notebooks/*.ipynb, for papermill's own commands
	rm -rf build/notebooks && mkdir -p build && cp -R notebooks build/notebooks
	"$(BIN)"/jupytext --quiet --to ipynb --set-kernel python3 build/notebooks/*/*.py
	rm build/notebooks/*/*.py

clean:  ## remove everything made, except the environment
	rm -rf build .snakemake .pytest_cache .ruff_cache .mypy_cache .hypothesis
