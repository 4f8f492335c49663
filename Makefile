# Everything a person runs. Each target makes .venv from requirements.lock first.

PYTHON ?= python3.11
VENV := .venv
PORT ?= 3000
RUN := $(VENV)/bin/python -m

# Every run, command and service is a process: without bytecode each compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo quick test prove cluster lint types definitions unit-tests all-tests prove-python test-python \
	dev bench format screenshots clean

demo: .venv/ready
	@$(RUN) performance_pipeline demo

# Three lanes; docs/testing.md says what each holds. Static checks run beside the tests.
# quick, while editing: the static checks and the unit tests, under a minute on two cores.
quick: .venv/ready
	@$(MAKE) --no-print-directory -j lint types unit-tests

# test, before landing: everything that must hold, under five minutes on two cores.
test: .venv/ready
	@$(MAKE) --no-print-directory -j lint types definitions all-tests

# prove, now and then: the same with every kill, example and sustained run, and other Pythons.
prove: .venv/cluster
	@PROVE=1 $(MAKE) --no-print-directory -j lint types definitions all-tests
	@$(MAKE) --no-print-directory prove-python

lint:
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --check --quiet .

types:
	@$(RUN) mypy --no-error-summary

definitions:
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/bin/dg check defs > $(VENV)/definitions.log || { cat $(VENV)/definitions.log; false; }

unit-tests:
	@$(RUN) pytest -q -n 2 performance_pipeline_tests/unit

# What is measured: all of it when proving, else the rooms that the tests of `unit` hold, because
# to count the lines of a run of Dagster takes as long as the run.
ROOMS := domain storage reports pipeline
MEASURED := $(if $(PROVE),--cov,$(ROOMS:%=--cov=performance_pipeline.%))

# More processes than cores: several tests mostly wait for a daemon or a browser.
all-tests:
	@$(RUN) pytest -q -n 4 $(MEASURED) --cov-report=term:skip-covered

# The tests of two rooms under each other Python that is supported and installed here; 6 minutes each.
prove-python: prove-python3.12 prove-python3.13

# Asked, because pyenv has commands also for versions that it does not run.
prove-python3.%:
	@for python in python3.$* $(HOME)/.pyenv/versions/3.$*.*/bin/python; do \
		if $$python -c '' 2>/dev/null; then \
			exec $(MAKE) test-python VENV=.venv-3.$* PYTHON=$$python; \
		fi; \
	done; \
	echo "Python 3.$* is not installed here: nothing was seen of it"

test-python: $(VENV)/ready
	$(RUN) pytest -q -n 4 performance_pipeline_tests/unit performance_pipeline_tests/dagster

dev: .venv/ready
	@$(RUN) performance_pipeline dev --port $(PORT)

# Prints every table, and writes each into benchmarks/RESULTS.md once it is there; an hour or two.
# ONLY="ticks load" makes those alone, and the others stay; `$(RUN) benchmarks --help` names them.
bench: .venv/bench
	$(RUN) benchmarks $(ONLY)

# PostgreSQL, redis, an object store, a code server, a daemon and two workers on this machine, over a
# year of sample logs; then 60 days again and again, while each of them is killed KILLS times, which
# takes about an hour and a half. DAYS=30 KILLS=2 is quicker.
DAYS ?= 365
KILLS ?= 20
cluster: .venv/cluster
	@PROVE=1 CLUSTER_DAYS=$(DAYS) CLUSTER_KILLS=$(KILLS) $(RUN) pytest -q -s performance_pipeline_tests/cluster

format: .venv/ready
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

screenshots: .venv/ready
	.venv/bin/python docs/screenshots.py

clean:
	rm -rf .venv .venv-* demo

# --no-deps: the lock is the whole truth, and a package it lacks is an error at once.
$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(VENV)/ready

# For `make cluster`, on top: nothing of one machine needs it.
.venv/cluster: .venv/ready deploy/cluster/requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r deploy/cluster/requirements.lock
	touch .venv/cluster

# Contenders of the benchmarks, on top: nothing of the project needs them.
.venv/bench: .venv/ready benchmarks/requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r benchmarks/requirements.lock
	touch .venv/bench
