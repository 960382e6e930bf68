# What one wants to do with Meshline, from an empty clone: python3 (3.11 or newer), git and make.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Enough for tools that read the settings; nothing is ever connected to it.
NOWHERE := SECRET_KEY=check SECRETS_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
	DATABASE_URL=postgresql://nobody@127.0.0.1:1/nothing REDIS_URL=redis://127.0.0.1:1/0 \
	MESHLINE_STATE=.venv/nothing

# A start is seven processes, the tests are dozens, and each imports two thousand files: compiled once.
unexport PYTHONDONTWRITEBYTECODE

# A file's tests stay in one process and share what it started. Three on two cores: some wait.
SIDE_BY_SIDE := -n 3 --dist loadgroup --no-loadscope-reorder

.PHONY: run test check fix long bench faults browser

run: $(READY)
	@exec $(BIN)/python manage.py up

test: $(READY) browser
	$(BIN)/pytest $(SIDE_BY_SIDE)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(NOWHERE) $(BIN)/mypy .
	$(BIN)/djlint templates --check --lint
	$(NOWHERE) $(BIN)/python manage.py check
	$(NOWHERE) $(BIN)/python -W ignore manage.py makemigrations --check --dry-run
	$(BIN)/pytest -q tests/test_layers.py

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint templates --reformat --quiet

bench: $(READY)
	$(BIN)/python -m tests.bench $(ONLY)

# What the short form leaves out for its time: every screen each way, every order of events.
long: $(READY) browser
	FORM=long $(BIN)/pytest $(SIDE_BY_SIDE) --ignore=tests/faults

# The long form: 300 kills over 10,000 events, about two hours; the short one is part of `make test`.
faults: $(READY)
	FORM=long $(BIN)/pytest tests/faults -v -n 0 --tb=short

# Debian's own chromium: the browser tests need one, and nothing else does.
browser:
	@command -v chromium >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -q && apt-get install -y -q --no-install-recommends chromium; \
	else \
		echo "There is no chromium here, and installing it takes apt-get and root:" \
			"the browser tests will fail."; \
	fi

$(READY): uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Meshline needs Python 3.11 or newer; say which: make PYTHON=python3.11 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv sync --frozen --inexact --compile-bytecode --quiet
	@touch $@
