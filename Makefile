# make help   print this list
# make demo   play a scenario on every channel, on a stack of its own
# make up     run the whole service on this machine until Ctrl-C
# make test   run all tests, on real servers; ARGS="-k word" for a part of them
# make referees   check the API with external tools: linters, generated clients, verifiers
#             (docs/referees.md); as root on Debian it installs Node and Java if they are missing
# make bench  run the benchmarks; ARGS=throughput for one of them, QUICK=1 for small ones in two
#             minutes (docs/benchmarks.md)
# make faults break one thing at a time under load, and account for everything accepted;
#             ARGS="name name" for some, SEED=1 to repeat (docs/faults.md)
# make scale  measure scaling past one machine, on network namespaces as hosts: root on Linux;
#             QUICK=1 for a smaller run, DOCS=1 to write its tables into docs/scaling.md
# make screenshots   take docs/screenshots from a stack of its own
# make lint   run ruff, mypy and the contracts of import-linter
# make requirements   compile requirements*.in to requirements*.txt: all packages for all platforms
#             and Pythons, pinned, with the hashes of their files; UPGRADE="name name" or UPGRADE=all
# make clean  remove everything that the others created, the database of `make up` included

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

.PHONY: help demo up test referees bench faults scale screenshots lint requirements clean installed installed-dev python

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
