# make help           print this list
# make demo           play a scenario on every channel, on a stack of its own
# make up             run the whole service on this machine until Ctrl-C
# make test           run all tests, on real servers; ARGS="-k word" for a part of them
# make lint           run ruff, mypy and the contracts of import-linter
# make referees       check the API with others' linters, clients and verifiers (docs/referees.md)
# make bench          run the benchmarks; ARGS=throughput for one, QUICK=1 for two minutes' worth
# make faults         break one thing at a time under load; ARGS="name name" for some, SEED=1
# make scale          measure several hosts on one, as root on Linux; QUICK=1, DOCS=1 for its page
# make mutants        break the code line by line, list what no test fails on; ARGS="path" for some
# make deployment     write what deploys the service from config/processes (docs/deploying.md)
# make sbom           print what production installs, as CycloneDX
# make screenshots    take docs/screenshots from a stack of its own
# make requirements   pin requirements*.in with hashes; UPGRADE="name name" or UPGRADE=all
# make installed      install what `make demo` and `make up` need into .venv
# make installed-dev  install what tests and linters need, too
# make python         check that there is Python 3.11 or newer
# make clean          remove all that the others made, the database of `make up` included

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& command -v "$$name" && break; done)
REFEREES = tests/referees tests/acceptance/test_schema.py tests/integration/api/shared/test_contract.py \
	tests/integration/providers/test_fcm_document.py tests/browser/test_accessibility.py
STACK = .venv/bin/python -m stack --end-with-parent

# Hashes hold for every platform: no index is named, and each machine asks its own.
PIN = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-header --no-emit-index-url --no-emit-find-links --annotation-style line \
	$(if $(filter all,$(UPGRADE)),--upgrade,$(addprefix --upgrade-package ,$(UPGRADE)))

.PHONY: help demo up test referees bench faults scale mutants deployment sbom screenshots lint requirements clean installed installed-dev python

help:
	@sed -n "/^#/!q; s/^# \{0,1\}//p" Makefile

demo: installed
	@$(STACK) demo

up: installed
	@$(STACK) up

test: installed-dev
	@$(STACK) test $(ARGS)

referees: installed-dev
	@$(STACK) test -m "referee or not referee" $(REFEREES) $(ARGS)

bench: installed-dev
	@.venv/bin/python -m bench $(if $(QUICK),--quick) $(ARGS)

faults: installed-dev
	@.venv/bin/python -m faults --end-with-parent $(if $(SEED),--seed $(SEED)) $(ARGS)

scale: installed-dev
	@.venv/bin/python -m scale $(if $(QUICK),--quick) $(if $(DOCS),--docs)

mutants: installed-dev
	@.venv/bin/python -m mutants $(ARGS)

deployment: installed-dev
	@.venv/bin/python -m stack.deployment

sbom: installed-dev
	@.venv/bin/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml requirements.txt

screenshots: installed-dev
	@$(STACK) screenshots

lint: installed-dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

requirements: installed-dev
	@$(PIN) requirements.in -o requirements.txt
	@$(PIN) requirements-demo.in -o requirements-demo.txt
	@$(PIN) requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf .venv .venv.lock .notifier .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .coverage.* static

installed: python
	@$(PYTHON) -m stack.install requirements.txt requirements-demo.txt

installed-dev: python
	@$(PYTHON) -m stack.install requirements.txt requirements-demo.txt requirements-dev.txt

python:
ifeq ($(PYTHON),)
	$(error Python 3.11 or newer is needed, and none was found: install it, or say where it is with `make PYTHON=/path/to/python3`)
endif
