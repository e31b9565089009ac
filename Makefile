# Everything runs in .venv, which the first target that needs it makes.

PYTHON ?= python3
PORT ?= 8443
VAR ?= var
export PORT VAR

MODULES = tests/browser/node_modules
NPM = npm install --prefix tests/browser --ignore-scripts --no-package-lock --no-audit --no-fund \
    --no-update-notifier --loglevel=error
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check
# Debian's package postgresql would make a server for everybody and start it; the tests make their own.
NO_SERVER = /etc/postgresql-common/createcluster.d/repoman-tests.conf
VENV_PACKAGE = $(if $(filter python3.%,$(notdir $(PYTHON))),$(notdir $(PYTHON)),python3)-venv

.PHONY: help run test check format bench clean debian-packages

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile

run: .venv/.installed ## start Repoman at https://localhost:8443 (PORT=8443 VAR=var)
	@exec .venv/bin/repoman-admin run --var "$$VAR" --port "$$PORT"

test: debian-packages ## run the tests (ARGS="-k upload" for some of them)
	@$(MAKE) --silent --no-print-directory .venv/.installed-test $(MODULES)/.installed
	@exec .venv/bin/python -m pytest -n auto --dist worksteal $(ARGS)

check: .venv/.installed-check ## check style, format and types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

format: .venv/.installed-check ## write the code in its format
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format

bench: debian-packages ## measure transfers, requests and lists under Apache (ARGS="--gib 1 transfers")
	@$(MAKE) --silent --no-print-directory .venv/.installed-test
	@exec .venv/bin/python -m tests.bench $(ARGS)

clean: ## remove .venv and all else that was made, but never VAR
	rm -rf .venv $(MODULES) build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find repoman tests -name __pycache__ -prune -exec rm -rf {} +

debian-packages: ## install what the tests use from Debian (as root; else say what is missing)
	@missing=; \
	for package in $$(grep -v '^#' tests/debian-packages.txt); do \
	    case "$$package" in program:*) package="$${package#program:}"; \
	        command -v "$$package" >/dev/null && continue;; esac; \
	    dpkg-query --show --showformat '$${Status}' "$$package" 2>/dev/null \
	        | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then \
	    :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing$$missing"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    mkdir -p $(dir $(NO_SERVER)); echo create_main_cluster = false >$(NO_SERVER); \
	    { apt-get update -qq && apt-get install -qq -y --no-install-recommends $$missing; } \
	        >/dev/null || echo "apt-get failed: tests that need$$missing are skipped"; \
	    rm $(NO_SERVER); \
	else \
	    echo "Not installed:$$missing; tests that need them are skipped"; \
	fi

# Written last, so that an installation that broke off is done again.
.venv/.installed: setup.cfg pyproject.toml
	@command -v '$(PYTHON)' >/dev/null || { echo '$(PYTHON) not found: install Python 3.11' \
	    'or newer (Debian, Ubuntu: apt-get install $(notdir $(PYTHON)) $(VENV_PACKAGE))' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Repoman needs Python \
	3.11 or newer, $(PYTHON) is %d.%d; name another one: make PYTHON=python3.12 ..." \
	% sys.version_info[:2])'
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { echo 'Python cannot make virtual' \
	    'environments here (Debian, Ubuntu: apt-get install $(VENV_PACKAGE))' >&2; exit 1; }
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || '$(PYTHON)' -m venv --clear .venv
	@echo 'Installing Repoman into .venv'
	@$(PIP) --editable .
	@touch $@

.venv/.installed-test: .venv/.installed
	@$(PIP) --editable '.[test]'
	@touch $@

.venv/.installed-check: .venv/.installed
	@$(PIP) --editable '.[check]'
	@touch $@

$(MODULES)/.installed: tests/browser/package.json
	@if ! command -v npm >/dev/null; then \
	    echo 'npm not found: tests that need what it installs are skipped' \
	        '(Debian, Ubuntu: apt-get install npm)'; \
	elif echo 'Installing $(MODULES)'; $(NPM) >/dev/null; then \
	    touch $@; \
	else \
	    echo 'npm failed: tests that need what it installs are skipped'; \
	fi
