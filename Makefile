# What a person calls. `make` alone prints this list.
PYTHON ?= python3
UV ?= uv
BIN := .venv/bin
SET_UP := $(PYTHON) tools/set_up.py
CHECK := $(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check . && $(BIN)/lint-imports --no-cache >/dev/null \
	&& echo 'Types: about two minutes the first time, a second afterwards' && $(BIN)/mypy
TESTS := $(BIN)/python -m pytest --quiet --numprocesses 2 --dist loadfile
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help demo setup local-up local-down synth test fast upgrade-test check stress bench lock clean docs

help: ## Print this list
	@printf 'Switchboard: make <target>\n'
	@awk '/^##@/ {printf "\n%s\n", substr($$0, 5)} \
	      /^[a-z-]+:.*## / {split($$0, part, ":.*## "); printf "  %-12s %s\n", part[1], part[2]}' $(MAKEFILE_LIST)

##@ About a minute (the first time: set-up of some minutes, nothing to install beforehand)
demo: ## Deploy the whole system to a cloud on this machine, walk through it, and stop it
	@$(SET_UP) deploy
	@$(BIN)/python -m cli.demo

setup: ## Only set up, so that everything else starts at once
	@$(SET_UP) test

local-up: ## Deploy it and leave it running (PORT=4566 chooses the port); then: . .local/env
	@$(SET_UP) deploy
	@$(BIN)/switchboard local up $(if $(PORT),--port $(PORT))

local-down: ## Stop it again
	@$(SET_UP) deploy
	@$(BIN)/switchboard local down

synth: ## Write the CloudFormation of every stage to cdk.out
	@$(SET_UP) deploy
	@$(BIN)/cdk synth --quiet

fast: ## The tests that need no local cloud
	@$(SET_UP) test
	@$(TESTS) tests/unit tests/infra

upgrade-test: ## Deploy the previous release, fill it with data, and deploy this version over it
	@$(SET_UP) test
	@$(TESTS) tests/upgrade

check: ## Style, types and import directions (types: some minutes the first time)
	@$(SET_UP) test
	@$(CHECK)

##@ Some minutes
test: ## Everything: style, types, imports, then all tests
	@$(SET_UP) test
	@$(CHECK)
	@$(TESTS)

##@ Many minutes
stress: ## The same tests at full size
	@$(SET_UP) test
	@SWITCHBOARD_STRESS=1 $(TESTS) tests/integration

bench: ## Compare with the old way and with the floor; writes docs/benchmarks.md
	@$(SET_UP) bench
	@$(BIN)/python -m benchmarks

##@ Upkeep
docs: ## Write the generated parts of the documentation anew
	@$(SET_UP) test
	@$(BIN)/python -m tools.docs

lock: ## Resolve requirements/*.in again, with hashes (needs uv)
	@for name in layer functions project emulator test checkov plots; do \
	    $(LOCK) requirements/$$name.in --output-file requirements/$$name.txt || exit; done

clean: ## Remove everything that was set up or built
	@test ! -f .local/env || $(BIN)/switchboard local down
	rm -rf .venv .local cdk.out node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
