# Everything a person runs. Each target makes .venv from requirements.lock first.

PYTHON ?= python3.11
PORT ?= 3000
RUN := .venv/bin/python -m

# Every run, command and service is a process: without bytecode each compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test dev bench format screenshots clean

demo: .venv/ready
	@$(RUN) performance_pipeline demo

test: .venv/ready
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	VIRTUAL_ENV=$(CURDIR)/.venv .venv/bin/dg check defs
	$(RUN) pytest -q -n 4 --dist worksteal

dev: .venv/ready
	@$(RUN) performance_pipeline dev --port $(PORT)

# Prints every table, and writes benchmarks/RESULTS.md; about half an hour.
bench: .venv/bench
	$(RUN) benchmarks

format: .venv/ready
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

screenshots: .venv/ready
	.venv/bin/python docs/screenshots.py

clean:
	rm -rf .venv demo

# --no-deps: the lock is the whole truth, and a package it lacks is an error at once.
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch .venv/ready

# Contenders of the benchmarks, on top: nothing of the project needs them.
.venv/bench: .venv/ready benchmarks/requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r benchmarks/requirements.lock
	touch .venv/bench
