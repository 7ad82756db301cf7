# make book | make test | make soak | make lab | make clean      (make help says more)

PROFILE ?= smoke
VENV    ?= .venv
BIN     := '$(VENV)/bin'
PY      := $(BIN)/python

# The first interpreter that runs and is a Python 3.11 or 3.12; only used to make the environment.
PYTHON  ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12)])' 2>/dev/null \
	&& echo $$p && break; done)

# Named after what it was made from: another lock or pyproject.toml makes the environment anew.
MADE    := $(shell cat requirements.lock pyproject.toml | cksum | tr ' ' -)
READY   := $(subst $() ,\ ,$(VENV))/.ready-$(MADE)

.PHONY: help env check book test soak lab clean
.DEFAULT_GOAL := help

help:
	@echo "make book                 run every notebook, build the site in book/_build/html"
	@echo "make book PROFILE=lab     the same on the real cities (STFLOW_DATA names their folder)"
	@echo "make check                formatting, lint and types, in seconds"
	@echo "make test                 unit tests, notebooks at smoke size, the site in a browser"
	@echo "make soak                 what takes longer: every notebook by nbval, broken kernels"
	@echo "make lab                  JupyterLab, the sources in notebooks/ open as notebooks"
	@echo "make clean                remove what was built (keeps .venv and the run store runs/)"

env: $(READY)

$(READY):
	@test -x $(PY) || test -n "$(PYTHON)" || { echo "needs Python 3.11 or 3.12"; exit 1; }
	test -x $(PY) || $(PYTHON) -m venv '$(VENV)'
	$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@# the kernel by its full path: so JupyterLab knows it as the sources' own, and asks nothing
	$(PY) -m ipykernel install --sys-prefix >/dev/null
	@rm -f '$(VENV)'/.ready-* && touch '$@'

check: $(READY)
	$(BIN)/ruff format --check stflow_lib tests
	$(BIN)/ruff check .
	$(BIN)/mypy

book: $(READY)
	@$(PY) -m stflow_lib book --profile '$(PROFILE)'

# Two processes with one thread each; files of tests stay together, for what they share, and
# begin in the order of tests/conftest.py, not with those of most tests.
WORKERS ?= 2
SPREAD  := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Every notebook runs once, by the book's own driver; `make book` then finds it unchanged. nbval
# takes a single page to see that sources are collected and run (all of them: make soak).
test: export OMP_NUM_THREADS ?= 1
test: $(READY)
	$(PY) -m pytest tests --ignore=tests/site $(SPREAD)
	$(PY) -m pytest --nbval notebooks/kernels/07_masked_error.py
	$(PY) -m stflow_lib book --output build/site/smoke
	$(PY) -m pytest tests/site -n $(WORKERS) --dist loadgroup

soak: export OMP_NUM_THREADS ?= 1
soak: $(READY)
	$(PY) -m pytest --nbval notebooks $(SPREAD)
	$(PY) tests/kernels/proofs/mutations.py

# JupyterLab's own settings stay in build/jupyter. LABROOT: the folder it shows; LABARGS: more.
LABROOT ?= notebooks
lab: export LABROOT := $(LABROOT)
lab: export JUPYTER_CONFIG_DIR := $(CURDIR)/build/jupyter
lab: $(READY)
	@mkdir -p build/jupyter/labconfig
	@cp notebooks/jupyterlab.json build/jupyter/labconfig/default_setting_overrides.json
	$(BIN)/jupyter lab --ip=127.0.0.1 --ServerApp.root_dir="$$LABROOT" \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(LABARGS)

clean:
	rm -rf build book/_build book/nb book/_static/mathjax book/_static/plotly.min.js
