# The commands of this project; `make help` lists them.
SHELL := /bin/sh
PYTHON := .venv/bin/python
# The longest first, then what waits for a slow storage while others compute; what shares a costly set-up stays in one
# lane (tests/conftest.py).
TWO_LANES := -n 2 --dist loadgroup --no-loadscope-reorder
# Fails, too, if a process or a mount of the tests is left.
CONTAINED := $(PYTHON) -m infra.local.contained $(PYTHON) -m pytest $(TWO_LANES)
WITHOUT_SERVERS := antifraud jobs serving infra/terraform tests/unit tests/golden
WITH_SERVERS := $(addprefix tests/,functional storage spark parity serving blackbox docs dags cloud)
# What the jobs compute and publish, without processes and servers.
TRANSFORMS := tests/parity $(addprefix tests/spark/test_,$(addsuffix .py,totals state halves ingest raw_lines tokens_spark))
RUN_ARGS ?=
DATA ?=
BEFORE ?=
HOME_OF_LAKE ?= var/bench
HOME_OF_CRASH ?= var/bench-crash
HOME_OF_FUZZ ?= var/bench-fuzz
HOME_OF_SWITCH ?= var/bench-switch

.PHONY: help setup servers browser cloud run test prove proofs spark35 checkov check unit lint docs lock clean-state bench-run bench-gate bench-waves bench-handbook bench-handbook-gain bench-seeds bench-training bench-selection bench-cpu bench-cpu-parts bench-policy bench-parity bench-month bench-lake bench-backfills bench-history bench-slopes bench-nights bench-switch bench-switch-rivals bench-switch-evidence bench-switch-halt bench-switch-kills bench-serving-old-fails bench-serving-crash bench-serving-fuzz bench-serving-swap bench-serving-power bench-redis bench-redis-crash bench-redis-power bench-shipping bench-throughput bench-tail bench-slow-clients bench-footprint

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## check prerequisites, make the environment, fetch the jars
	@sh infra/setup/prerequisites.sh
	@sh infra/setup/setup.sh

servers: setup  ## PostgreSQL, Redis, nginx, promtool and an S3 server for the tests (apt-get as root, Go)
	$(PYTHON) -m infra.cluster prepare

cloud: setup  ## the cloud's SDK in an environment of its own: for the tests, and for Airflow with a target in the cloud
	@sh infra/setup/cloud.sh

browser: setup  ## Chromium for the tests of Airflow's pages and of the gate's (apt-get as root)
	$(PYTHON) -m infra.setup.browser

run: setup  ## the whole path, from raw files to a live decision; RUN_ARGS=--once ends after the summary, DATA=folder takes your files
	@$(PYTHON) -m infra.local.run $(RUN_ARGS) $(if $(DATA),--data "$(DATA)")

test: setup servers browser cloud lint  ## make check, and every component for real, once: what a change can break; CI runs it
	@$(PYTHON) -m bench.run.proof --age
	$(CONTAINED) -m "not prove" $(WITH_SERVERS) $(WITHOUT_SERVERS)

prove: setup servers browser  ## the long proofs, before a release and by hand; records the commit that passed
	$(PYTHON) -m bench.run.proof

proofs: spark35 cloud checkov
	$(CONTAINED) -m prove $(WITH_SERVERS) $(WITHOUT_SERVERS)

spark35: setup  ## the transforms' tests on Spark 3.5, in an environment of its own; part of the proofs
	@sh infra/setup/spark35/setup.sh
	$(PYTHON) -m infra.local.contained .venv-spark35/bin/python -m pytest $(TWO_LANES) $(TRANSFORMS)

checkov: setup  ## a scanner looks for weaknesses in the Terraform files, in an environment of its own; part of the proofs
	@sh infra/setup/checkov.sh
	.venv-checkov/bin/checkov --config-file infra/terraform/.checkov.yaml

check: setup lint unit  ## lint, types, import contracts, unit tests: under two minutes, before every commit

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

unit:
	$(CONTAINED) -m "not prove" $(WITHOUT_SERVERS)

docs: setup  ## regenerate the documents that come from code
	$(PYTHON) -m docs.generate

lock:  ## resolve requirements/dev.txt and requirements/cloud.txt anew into their lock files
	.venv/bin/uv pip compile --quiet --no-header --python-version 3.11 --override requirements/overrides.txt \
		requirements/dev.txt --output-file requirements/lock.txt
	.venv/bin/uv pip compile --quiet --no-header --python-version 3.11 requirements/cloud.txt \
		--output-file requirements/cloud-lock.txt

clean-state:  ## remove everything a run has made (the folder var)
	rm -rf var

bench-run: setup  ## minutes of `make run` and `make test` on fresh clones
	$(PYTHON) -m bench.run.figures

bench-gate: setup  ## the gate's statistics by simulation
	$(PYTHON) -m bench.gate.simulation

bench-waves: setup  ## the gate's loss bound where months are not alike
	$(PYTHON) -m bench.gate.waves
	$(PYTHON) -m bench.gate.late_labels

bench-handbook: setup  ## ranking on raw files of another generator: DATA=folder
	$(PYTHON) -m bench.model.handbook "$(DATA)"

bench-handbook-gain: setup  ## the same beside commit b393281, week by week: DATA=folder BEFORE=checkout, which has its own environment
	$(PYTHON) -m bench.model.handbook_gain "$(DATA)" --before "$(BEFORE)"

bench-selection: setup  ## what blocked fraud without labels does to training, and its repair by weights
	$(PYTHON) -m bench.model.selection_bias

bench-training: setup  ## minutes and memory of training on ten million rows
	$(PYTHON) -m bench.model.training_cost

bench-seeds: setup  ## the verdicts on six worlds
	$(PYTHON) -m bench.model.seeds

bench-cpu: setup  ## processor time of a decision beside commit b393281: BEFORE=checkout, which has its own environment
	$(PYTHON) -m bench.serving.cpu --before "$(BEFORE)"

bench-cpu-parts: setup  ## processor time of the parts of a decision
	$(PYTHON) -m bench.serving.parts

bench-policy: setup  ## processor time of a decision with a policy of 100 rules beside one without
	$(PYTHON) -m bench.serving.policy

bench-parity: setup  ## replay 200,000 decisions of eight clients over a midnight and a change of the cut-off, over LMDB and Redis; some fifteen minutes
	$(PYTHON) -m bench.serving.parity

bench-month: setup  ## the decision store after a month of traffic
	$(PYTHON) -m bench.serving.month

bench-lake: setup  ## the lake at 47 million rows, some hours: HOME_OF_LAKE=folder with 60 GB to spare
	for part in ingest features parity against_pandas; do \
		$(PYTHON) -m bench.lake.$$part --home "$(HOME_OF_LAKE)" || exit 1; \
	done

bench-backfills: setup  ## backfills in any order beside one load of all days: HOME_OF_LAKE=folder, which gets a new one beside it
	$(PYTHON) -m bench.lake.backfills --home "$(HOME_OF_LAKE)-backfills"

bench-history: setup  ## a night after 60 and after 600 days of history, its time and what it reads: HOME_OF_LAKE=folder, which gets a new one beside it
	$(PYTHON) -m bench.lake.history --home "$(HOME_OF_LAKE)-history"

bench-slopes: setup  ## ingest, totals and features against the number of rows: HOME_OF_LAKE=folder, which gets a new one beside it
	$(PYTHON) -m bench.lake.slopes --home "$(HOME_OF_LAKE)-slopes"

bench-switch: setup  ## a thousand years of the kill-switch's guard on each stream, excesses, attacks; some hours, HOME_OF_SWITCH=folder, where a later run goes on
	$(PYTHON) -m bench.switch.figures --home "$(HOME_OF_SWITCH)"

bench-switch-rivals: setup  ## how often rivals of the kill-switch stop a good service on the same streams
	$(PYTHON) -m bench.switch.rival_figures

bench-switch-kills: setup  ## whether 200 kills of guards and workers change the verdict; ten minutes
	$(PYTHON) -m bench.switch.kills

bench-switch-evidence: setup  ## how many of 200 trips find a release that could be judged, and how long until one serves
	$(PYTHON) -m bench.switch.rollback_evidence

bench-switch-halt: setup  ## seconds from a trip, or a roll-back, to the last answer of the old state
	$(PYTHON) -m bench.switch.halt

bench-nights: cloud  ## thirty nights with faults against a double of the cloud's API: clusters left
	$(PYTHON) -m bench.cloud.nights

bench-serving-old-fails: setup  ## the black-box tests with the scorer of commit b393281 and with this one: BEFORE=checkout, which has its own environment
	$(PYTHON) -m bench.serving.old_fails --before "$(BEFORE)"

bench-serving-crash: setup  ## 50 kills of worker, master, guard and everything under load: HOME_OF_CRASH=folder, where a later run goes on
	$(PYTHON) -m bench.serving.crash --home "$(HOME_OF_CRASH)"

bench-serving-fuzz: setup  ## 200,000 hostile requests over WSGI: HOME_OF_FUZZ=folder, where a later run goes on
	$(PYTHON) -m bench.serving.fuzz --home "$(HOME_OF_FUZZ)"

bench-serving-swap: setup  ## longest gap between a worker's answers while it swaps releases
	$(PYTHON) -m bench.serving.swap

bench-redis: setup  ## decisions a second over Redis beside those over LMDB, some ten minutes (apt-get as root)
	$(PYTHON) -m bench.serving.redis_vs_lmdb

bench-redis-crash: setup  ## 50 kills of worker, master, guard, Redis and everything under load: HOME_OF_CRASH=folder
	$(PYTHON) -m bench.serving.crash --redis --home "$(HOME_OF_CRASH)-over-redis"

bench-redis-power: setup  ## slow answers of durability `power` over those of `process` with Redis
	$(PYTHON) -m bench.serving.power --redis

bench-serving-power: setup  ## slow answers of durability `power` over those of `process`, at 400 decisions a second
	$(PYTHON) -m bench.serving.power

bench-shipping: setup  ## rows of the lake after 30 kills of the shipper under load, some five minutes
	$(PYTHON) -m bench.serving.shipping

bench-throughput: setup  ## decisions a second beside stateless servers, some ten minutes (apt-get as root)
	$(PYTHON) -m bench.serving.edge.throughput

bench-tail: setup  ## slow answers at 400 a second beside those of a constant view, some ten minutes (Go)
	$(PYTHON) -m bench.serving.edge.tail

bench-slow-clients: setup  ## slow answers with and without 1,400 slow clients, behind the proxy, some eight minutes (Go; apt-get as root)
	$(PYTHON) -m bench.serving.edge.slow_clients

bench-footprint: setup  ## the scorer's environment: packages, size, seconds to start, memory of a worker
	$(PYTHON) -m bench.serving.edge.footprint
