# The two commands are `make run` and `make test`; `make help` lists the others.
# They need Python 3.11-3.13 and make, nothing else: the rest is fetched into .venv, checked by hash.

# the machine's own certificates, as pip uses them: a company's proxy is known there, not to uv
export UV_SYSTEM_CERTS := 1

VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
INSTALL := $(UV) pip install --quiet --python $(PY)

# the first interpreter that is recent enough and can make a virtual environment
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	2>/dev/null && { echo $$python; break; }; done)

# a stamp bears the checksum of what it was made from
checksum = $(shell cat pyproject.toml requirements-uv.txt $(1) 2>/dev/null | cksum | tr ' ' '-')
RUN_STAMP := $(VENV)/.run-$(call checksum,requirements.txt)
DEV_STAMP := $(VENV)/.dev-$(call checksum,requirements.txt requirements-dev.txt)
BENCH_STAMP := $(VENV)/.bench-$(call checksum,requirements.txt requirements-bench.txt)

# resolved as on this day: Airflow 3.3.2 with its contemporaries, in place of its constraints file
LOCKED_ON := 2026-09-20
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --exclude-newer $(LOCKED_ON) \
	--custom-compile-command 'make lock' $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help run test fuzz lint format bench bench-matching bench-addresses worlds lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## the made-up Westhoek in var/, one night by the real DAGs, the progress table (ARGS="--seed 7")
	@$(PY) scripts/run_demo.py $(ARGS)

# a file of tests stays with one worker; WORKERS=0 runs them all in one process
WORKERS ?= auto
test: $(DEV_STAMP) ## every test, on SQLite and on PostGIS where it is installed (ARGS="-k store")
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

# files of each format, and a tenth as many histories of a contractor's office
FUZZ ?= 2000
fuzz: $(DEV_STAMP) ## thousands of damaged files of each format, and a table of what became of them (FUZZ=500)
	@FUZZ_CASES=$(FUZZ) $(PY) -m pytest tests/test_fuzz.py tests/test_any_order.py -o timeout=7200 $(ARGS)

lint: $(DEV_STAMP) ## ruff and mypy
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: $(DEV_STAMP) ## put the code into its form
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

bench: $(BENCH_STAMP) ## a night of a million rows, its loads, uploads, and the site (ARGS="--sizes 16000" SITE="--sizes 16000")
	@$(PY) scripts/bench_night.py $(ARGS)
	@$(PY) scripts/bench_uploads.py $(UPLOADS)
	@$(PY) scripts/bench_site.py $(SITE)

bench-matching: $(BENCH_STAMP) ## the matcher beside nine others, up to a million records (ARGS="--sizes 16000")
	@$(PY) scripts/bench_matching.py $(ARGS)

bench-addresses: $(RUN_STAMP) ## written addresses resolved, beside plain fuzzy search (ARGS="--addresses FILE")
	@$(PY) scripts/bench_addresses.py $(ARGS)

worlds: $(RUN_STAMP) ## one night over five made-up worlds: are the figures of each exact? (ARGS="--seeds 7 8")
	@$(PY) scripts/worlds.py $(ARGS)

lock: $(UV) ## resolve the requirements again (UPGRADE=--upgrade takes newer ones, up to LOCKED_ON)
	@$(COMPILE) --group bootstrap -o requirements-uv.txt
	@$(COMPILE) pyproject.toml --extra airflow --group build -o requirements.txt
	@$(COMPILE) pyproject.toml --extra airflow --group build --group dev -c requirements.txt -o requirements-dev.txt
	@$(COMPILE) pyproject.toml --extra airflow --extra celery --group build -c requirements.txt \
		-o requirements-celery.txt
	@$(COMPILE) pyproject.toml --extra airflow --group build --group bench -c requirements.txt -o requirements-bench.txt

clean: ## remove the environment and the caches; var/ holds data and stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" || { echo "no Python 3.11, 3.12 or 3.13 with venv found; name one: make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(UV): requirements-uv.txt | $(PY)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@

# reading processes may not write, so what only they import is compiled here, once
COMPILED := PIL et_xmlfile openpyxl pyproj shapely xlrd

$(RUN_STAMP): | $(UV)
	$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) --no-build-isolation --no-deps --editable .
	@$(PY) -m compileall -q -j 0 hydrants $(addprefix $(VENV)/lib/python3*/site-packages/,$(COMPILED))
	@touch $@

$(DEV_STAMP): | $(RUN_STAMP)
	$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

$(BENCH_STAMP): | $(RUN_STAMP)
	$(INSTALL) --require-hashes -r requirements-bench.txt
	@touch $@
