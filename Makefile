# `make run` and `make test` do all the set-up; nothing else is needed than Python >= 3.12 (with
# venv), make and a C compiler.

# The first Python on the PATH, or else of pyenv, that is new enough.
PYENV := $(shell ls -d "$$(pyenv root 2>/dev/null)"/versions/*/bin/python3 2>/dev/null | sort -V)
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python $(PYENV); do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$p && break; \
	done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
WALK := $(VENV)/.walk
WORDS := daemon/nfed/words/locale/pt_BR/LC_MESSAGES/nfed
# Tests side by side: most wait for a process, a disk or a clock.
JOBS ?= 4
# Those of the pure rooms and of the public face, without the few that are marked slow.
QUICK := tests/documents tests/flow tests/intake tests/test_public_face.py -m 'not slow'
# What was built into the tree, and the folders that an older layout filled with nothing else.
define UNBUILD
rm -rf build *.egg-info daemon/*.egg-info
find daemon \( -name '*.so' -o -name '*.pyc' -o -name '*.mo' \) -delete
find daemon -type d -empty -delete
endef
PYTEST := $(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=worksteal

.DEFAULT_GOAL := help
.PHONY: help setup run quick test test-system faults deb check format docs bench fidelity fuzz demo clean lock

help: ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) $(WALK) $(WORDS).mo ## Build .venv with the command .venv/bin/nfed (does nothing when it is there).

$(STAMP): constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "nfed needs Python 3.12 or newer with venv on the PATH" >&2; exit 1; }
	$(UNBUILD)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(WALK): setup.py daemon/nfed/documents/rows/walk.pyx $(STAMP)
	$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

$(WORDS).mo: $(WORDS).po daemon/nfed/words/po.py $(STAMP)
	$(BIN)/python daemon/nfed/words/po.py $<

run: setup ## Watch ./xml_nf and import into ./nfed.db until Ctrl-C.
	@$(BIN)/nfed run

demo: setup ## Drop 50 generated notes of a small shop and two broken files into ./xml_nf.
	@$(BIN)/python -m bench.generator xml_nf --shop --count 50 --items 5 --broken 2

test: setup ## Pass all tests; JOBS=N at once.
	@$(PYTEST)

test-system: setup ## Boot Debian 13 with systemd in a container and try the service (root).
	@$(BIN)/python -m tests.system

faults: setup ## Bring about power cuts, kills, full disks … (root); FAULTS_HOURS=, FAULTS_SEED=.
	@$(BIN)/python -m tests.faults

deb: setup ## Build dist/nfed_VERSION_amd64.deb, reproducibly (root; about four minutes).
	@echo "building the package in a clean Debian: about four minutes"
	@$(BIN)/python -m deploy.package.build

define LINT
$(BIN)/ruff format --check .
$(BIN)/ruff check .
$(BIN)/mypy
$(BIN)/lint-imports
endef

quick: setup ## A first answer in less than a minute: ruff, mypy, import-linter, the fast tests.
	$(LINT)
	$(PYTEST) --numprocesses=logical $(QUICK)

check: setup ## Everything that a commit must pass.
	$(LINT)
	$(PYTEST)

format: setup ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## Renew what is generated in README.md and docs/.
	@$(BIN)/python -m tools.build

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
	$(UNBUILD)
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		tests/support/*/node_modules tests/support/*/.installed
