# `make` lists what there is. Every target does its own set-up, and repeats it only when a lock file has changed.

VENV ?= .venv
BIN = $(VENV)/bin
PORT ?= 8000
BIND ?= 127.0.0.1
# The first Python that is new enough; looked for only when the virtual environment is made.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Several files at once; each worker has a database and servers of its own. In their order, or a worker could get an
# asynchronous test after one in a browser, whose loop then runs in its thread.
WORKERS ?= auto
SIDE_BY_SIDE = --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder
PYTEST = $(BIN)/python -m pytest $(if $(filter true 1,$(CI)),-p tests.no_skips)
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links
# What holds no text of the site's.
UNREAD = .venv* tests bench docs deploy node_modules staticfiles var

.DEFAULT_GOAL := help
.PHONY: help run test test-local faults check lock messages bench screenshots

help:
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /make \1|/' | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

run: $(VENV)/.run $(if $(LOCAL_MODEL),$(VENV)/.local) ## serve the site on PORT (8000), all set-up included
	@exec $(BIN)/python manage.py runserver --noreload --migrate $(BIND):$(PORT)

test: $(VENV)/.dev ## run all tests: on SQLite with a real browser, then on Postgres
	$(PYTEST) $(SIDE_BY_SIDE) -m "not postgres and not local_model"
	$(BIN)/python -m tests.postgres -- $(PYTEST) $(SIDE_BY_SIDE) --database-only -m "not browser and not local_model and not sqlite"

test-local: $(VENV)/.dev $(VENV)/.local $(VENV)/.serve ## run the tests of local models (installs torch and transformers)
	$(PYTEST) -m local_model

faults: $(VENV)/.dev ## kill servers under 10,000 sends and compare what was accepted with what is stored
	$(BIN)/python -m tests.faults

check: $(VENV)/.dev ## format, lint, settings, migrations, layers, JavaScript
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python manage.py compilemessages
	SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(50))") \
	ENV_FILE=chatsite/production.env.example $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(PYTEST) tests/test_layers.py
	$(PYTEST) tests/test_translations.py
	@if command -v node >/dev/null; then node --test --test-reporter=spec tests/js/*.test.mjs; \
	else echo "Skipped: the tests of the JavaScript. Install Node.js 18 or newer to run them."; test "$(CI)" != true; fi

lock: $(VENV)/.run ## pin every package again, as the requirements*.in files allow
	@$(PIP) uv
	$(LOCK) --upgrade requirements.in -o requirements.txt
	$(LOCK) --upgrade requirements-dev.in -o requirements-dev.txt
	$(LOCK) --upgrade requirements-local.in -o requirements-local.txt
	$(LOCK) --upgrade requirements-serve.in -o requirements-serve.txt
	@# CUDA's packages come with torch's CUDA build by themselves; listed here, they would come with the CPU build too.
	sed -i.old -E '/^((nvidia|cuda)-|triton=)/d' requirements-local.txt requirements-serve.txt && rm requirements-*.txt.old

messages: $(VENV)/.run ## collect the texts to translate, and compile the translations (needs gettext)
	$(BIN)/python manage.py makemessages --all --add-location file --no-obsolete $(foreach unread,$(UNREAD),--ignore '$(unread)')
	$(BIN)/python manage.py compilemessages

bench: $(VENV)/.dev ## measure start, memory, first token, first page and crowds, beside their limits
	$(BIN)/python -m bench.run

screenshots: $(VENV)/.dev ## take the pictures in docs/screenshots
	$(BIN)/python -m tests.screenshots

$(BIN)/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "This site needs Python 3.11 or newer. Install it, or say where it is: make run PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making the virtual environment $(VENV) with $(PYTHON) …"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements.txt | $(BIN)/python
	@echo "Installing what the site needs (about a minute, once) …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "Installing what the tests need (once) …"
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/.local: requirements-local.txt $(VENV)/.run
	@echo "Installing what local models need: several hundred megabytes, once …"
	@$(PIP) -r requirements-local.txt
	@touch $@

$(VENV)/.serve: requirements-serve.txt $(VENV)/.local
	@echo "Installing what transformers serve needs (once) …"
	@$(PIP) -r requirements-serve.txt
	@touch $@
