# Every command of the repository. `make help` lists them.
# The launcher needs Python 3.11 or later and nothing else; it makes its own virtual environment in .venv.

PYTHON ?= python3
GROUND := $(PYTHON) portal/ground/run.py
T ?=
export RESET PORT

.DEFAULT_GOAL := help
.PHONY: help demo demo-info test bench bench-large lint format types migrate shell reset services stop screenshots lock

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run the whole portal here: four lenders, web, worker, beat, sandbox bank (PORT=n, RESET=1 starts over)
	@$(GROUND) demo

demo-info: ## print the demo's addresses and logins as JSON
	@$(GROUND) demo-info --json

test: ## run every check and test (T=path runs those tests alone)
	@$(GROUND) test $(T)

bench: ## print the speed figures beside their raw counterparts
	@$(GROUND) with-services -m bench

bench-large: ## look at the plans behind the walls over 2,000,000 units (several minutes)
	@BENCH_CROWD=2000000 $(GROUND) with-services -m bench walls

lint: ## check style, format and the import contracts
	@$(GROUND) lint

format: ## bring the code into the common format
	@$(GROUND) with-services -m ruff format .

types: ## check the types
	@$(GROUND) types

migrate: ## bring the development database up to date, as its owner
	@$(GROUND) with-services --owner manage.py migrate

shell: ## open Django's shell on the development database
	@$(GROUND) with-services manage.py shell

reset: ## throw the demo's data away
	@$(GROUND) reset

services: ## start PostgreSQL and Valkey in the background, for development
	@$(GROUND) services

stop: ## stop them
	@$(GROUND) stop

screenshots: ## take the README's pictures from the running demo
	@$(GROUND) with-services --demo --browser docs/screenshots.py

lock: ## compile requirements/*.in into the hashed lock files (needs uv)
	@cd requirements && for level in base demo dev; do \
	  uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	    --python-version 3.11 $$level.in --output-file $$level.txt || exit 1; \
	done
