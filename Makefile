# One word a chore. Each makes what it needs in .venv first; a second run starts at once.
#   make test ARGS="-x tests/message"     make demo MESSAGES=500     make PYTHON=python3.12 test

SHELL := /bin/sh
BIN := .venv/bin
READY := .venv/.ready
PROJECTS := $(wildcard pyproject.toml core/pyproject.toml plugins/*/pyproject.toml stores/*/pyproject.toml)
SOURCES := $(wildcard core/src plugins/*/src stores/*/src)

# What ruff's ASYNC rules leave out: cancellation that is swallowed, delayed or impossible.
CANCELLATION := ASYNC101,ASYNC102,ASYNC103,ASYNC104,ASYNC111,ASYNC112,ASYNC113,ASYNC118,ASYNC120,ASYNC121,ASYNC122,ASYNC123

export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test torture fuzz lint format bench docs lock wheels version clean

help: ## list the chores
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r chore words; do printf '%-16s%s\n' "$$chore" "$$words"; done

$(READY): requirements.lock tools/environment $(PROJECTS)
	@tools/environment $(patsubst %/,%,$(dir $(PROJECTS)))
	@touch $@

demo: $(READY) ## run a real feed until Ctrl-C; MESSAGES=500 sends that many, checks every one and ends
	@$(BIN)/messagefoundry demo $(if $(MESSAGES),--messages $(MESSAGES)) $(ARGS)

test: $(READY) ## run the tests; ARGS="-x tests/message" is passed on to pytest
	$(BIN)/python -m pytest -q $(or $(ARGS),-n 3 --dist worksteal)

torture: $(READY) ## kill -9 under load for MINUTES=10 in every situation; SEED=7 begins with that one; STORE=postgres
	@$(BIN)/python -m tests.acceptance.torture --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) $(if $(STORE),--store $(STORE)) $(ARGS)

fuzz: $(READY) ## look for what breaks a property: SECONDS=60 for all together, ARGS="framing settings" for some
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(ARGS)

lint: $(READY) ## ruff, mypy --strict, the floors of the architecture, cancellation rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m flake8 --isolated --select=$(CANCELLATION) $(SOURCES) tests

format: $(READY) ## rewrite the code in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## measure the engine against the floor, with STORE=postgres on both stores; ARGS="--scenarios all --bars" judges it
	@$(BIN)/python -m $(if $(STORE:sqlite=),tests.$(STORE).bench,messagefoundry.harness.bench) $(ARGS)

docs: $(READY) ## write docs/reference anew from the code, and check the links of README.md and docs
	@$(BIN)/python -m tools.docs

lock: $(READY) ## write requirements.lock anew from the pyproject.toml files; ARGS=--upgrade renews every pin
	$(BIN)/python -m tools.lock $(ARGS)

wheels: $(READY) ## build the wheel of every distribution into dist/, for pip install --find-links dist
	@$(BIN)/python -m tools.wheels

version: $(READY) ## set the version of every distribution: V=0.5.0
	@$(BIN)/python -m tools.version $(V)

clean: ## remove .venv and every cache
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
