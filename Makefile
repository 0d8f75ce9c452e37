# `make run` and `make test` do all the set-up; nothing else is needed than Python >= 3.12 (with
# venv), make and a C compiler.

# The first Python on the PATH that is new enough.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$p && break; \
	done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
TREE := daemon/documents/tree.abi3.so
# Tests side by side: most wait for a process, a disk or a clock.
JOBS ?= 4
PYTEST := $(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=worksteal

.DEFAULT_GOAL := help
.PHONY: help setup run test test-system deb check format docs bench fidelity fuzz demo clean lock

help: ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) $(TREE) ## Build .venv with the command .venv/bin/nfed (does nothing when it is there).

$(STAMP): constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "nfed needs Python 3.12 or newer with venv on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(TREE): setup.py $(wildcard daemon/documents/tree_c/*.[ch]) | $(STAMP)
	$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

run: setup ## Watch ./xml_nf and import into ./nfed.db until Ctrl-C.
	@$(BIN)/nfed run

demo: setup ## Drop 50 generated homologation notes and two broken ones into ./xml_nf.
	@$(BIN)/python -m bench.generator xml_nf --count 50 --items 5 --broken 2

test: setup ## Pass all tests; JOBS=N at once.
	@$(PYTEST)

test-system: setup ## Boot Debian 13 with systemd in a container and try the service (root).
	@$(BIN)/python -m tests.system

deb: setup ## Build dist/nfed_VERSION_amd64.deb, reproducibly (root).
	@$(BIN)/python -m deploy.package.build

check: setup ## Everything that a commit must pass.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

format: setup ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## Renew what is generated in README.md and docs/.
	@$(BIN)/python docs/build.py

bench: setup ## Measure; prints ratios taken in one run.
	@$(BIN)/python -m bench

fuzz: setup ## Read 200,000 mutated documents: none may crash, hang or fill the memory.
	@$(BIN)/python -m bench.fuzz

fidelity: setup ## Compare every leaf of the notes with the database; CORPUS=DIR for any files.
	@$(BIN)/python -m bench.fidelity $(if $(CORPUS),"$(CORPUS)")

lock: ## Renew constraints.txt from pyproject.toml (needs uv).
	uv pip compile --universal --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --group dev pyproject.toml -o constraints.txt

clean: ## Remove what was built.
	rm -rf $(VENV) build dist $(TREE) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		tests/*/node_modules tests/*/.installed
