# The commands of this project; `make help` lists them.
SHELL := /bin/sh
PYTHON := .venv/bin/python
RUN_ARGS ?=
DATA ?=

.PHONY: help setup servers run test check unit lint docs lock clean-state bench-run bench-gate bench-handbook bench-seeds bench-training bench-selection

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## check prerequisites, make the environment, fetch the jars
	@sh infra/prerequisites.sh
	@sh infra/setup.sh

servers: setup  ## PostgreSQL and an S3 server for the storage tests (apt-get as root, Go)
	$(PYTHON) -m infra.cluster prepare

run: setup  ## the whole path, from raw files to a live decision; RUN_ARGS=--once ends after the summary, DATA=folder takes your files
	@$(PYTHON) -m infra.local.run $(RUN_ARGS) $(if $(DATA),--data "$(DATA)")

test: setup check servers  ## everything: lint, types, import contracts and all tests
	$(PYTHON) -m pytest tests/docs tests/spark tests/storage tests/parity tests/dags tests/serving tests/functional

check: setup lint unit  ## the quick half: lint, types, import contracts, unit tests (under two minutes)

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

unit:
	$(PYTHON) -m pytest antifraud jobs serving tests/unit tests/golden

docs: setup  ## regenerate the documents that come from code
	$(PYTHON) -m docs.generate

lock:  ## resolve requirements/dev.txt anew into requirements/lock.txt
	.venv/bin/uv pip compile --quiet --no-header --python-version 3.11 --override requirements/overrides.txt \
		requirements/dev.txt --output-file requirements/lock.txt

clean-state:  ## remove everything a run has made (the folder var)
	rm -rf var

bench-run: setup  ## minutes of `make run` and `make test` on fresh clones
	$(PYTHON) -m bench.run_figures

bench-gate: setup  ## the gate's statistics by simulation
	$(PYTHON) -m bench.gate_simulation

bench-handbook: setup  ## ranking on raw files of another generator: DATA=folder
	$(PYTHON) -m bench.handbook "$(DATA)"

bench-selection: setup  ## what blocked fraud without labels does to training, and its repair by weights
	$(PYTHON) -m bench.selection_bias

bench-training: setup  ## minutes and memory of training on ten million rows
	$(PYTHON) -m bench.training_cost

bench-seeds: setup  ## the verdicts on six worlds
	$(PYTHON) -m bench.seeds
