# Every target sets up what it needs; nothing has to be installed by hand beside Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ADAPTERS := .venv-adapters
LANGFUSE_4 := .venv-langfuse-4
EXTRAS := test,lint
ADAPTERS_EXTRAS := test-adapters
GATE ?= gates/support-agent.toml
# A file's tests share what is dear to make, so they stay together.
# In the order of tests/conftest.py, which has the long ones first: none is left to the end.
IN_PARALLEL := -n auto --dist loadfile --no-loadscope-reorder
# The tests of the rooms that do no input or output.
PURE := tests/gates tests/statistics tests/gate_file tests/config tests/test_catalog.py tests/test_records.py

.DEFAULT_GOAL := help
.PHONY: help setup gate test test-adapters test-langfuse test-langfuse-4 coverage lint format docs bench simulate rivals crash mutants action dist clean

help: ## Show the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

# An environment with these extras: $(call install,folder,extras)
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "scoregate needs Python 3.11 or newer; say which with: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$(2)]'
	@touch $(1)/.installed
endef

$(VENV)/.installed: pyproject.toml
	$(call install,$(VENV),$(EXTRAS))

# Apart from the other one: what these packages bring along is large, and decides the versions of shared packages.
$(ADAPTERS)/.installed: pyproject.toml
	$(call install,$(ADAPTERS),$(ADAPTERS_EXTRAS))

$(LANGFUSE_4)/.installed: pyproject.toml
	$(call install,$(LANGFUSE_4),test-langfuse-4)

setup: $(VENV)/.installed ## Create .venv with everything the other targets use

gate: setup ## Run the example gate: candidate, scores, baseline, verdict
	$(BIN)/scoregate run $(GATE) $(ARGS)

# What is compiled once is kept, also where an image forbids it: hundreds of processes would compile it again.
test: export PYTHONDONTWRITEBYTECODE :=
test: setup ## Run the tests, or some: ARGS="tests/gates/test_rounds.py -k cluster"
	$(BIN)/python -m pytest $(or $(ARGS),$(IN_PARALLEL))

# Their telemetry is off before their pytest plugins are loaded. A skipped test is a failed one there.
test-adapters: export DEEPEVAL_TELEMETRY_OPT_OUT := 1
test-adapters: export DEEPEVAL_DISABLE_DOTENV := 1
test-adapters: export RAGAS_DO_NOT_TRACK := true
test-adapters: export SCOREGATE_TEST_ADAPTERS := 1
test-adapters: $(ADAPTERS)/.installed ## Test the adapters against the real packages
	$(ADAPTERS)/bin/python -m pytest tests/scorers/adapters

test-langfuse: setup ## Ask a real Langfuse server what the client relies on (LANGFUSE_BASE_URL and keys; else the stand-in)
	SCOREGATE_TEST_LANGFUSE=1 $(BIN)/python -m pytest -rs -s tests/langfuse/test_any_server.py tests/langfuse_server/test_recordings_any_server.py

# The tests of Langfuse with the release of its SDK before the present one, whose users are many.
test-langfuse-4: export PYTHONDONTWRITEBYTECODE :=
test-langfuse-4: $(LANGFUSE_4)/.installed ## Test against the SDK 4 of Langfuse
	$(LANGFUSE_4)/bin/python -m pytest tests/langfuse tests/langfuse_server/test_sdk_against_server.py $(IN_PARALLEL)

coverage: setup ## Run the tests of the pure rooms, and count the lines that they reach: at least 95 %
	$(BIN)/python -m pytest $(PURE) $(IN_PARALLEL) \
	  --cov=scoregate.gates --cov=scoregate.statistics --cov=scoregate.gate_file --cov=scoregate.catalog \
	  --cov=scoregate.records --cov-report=term --cov-fail-under=95

lint: setup ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

format: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## Write the reference pages that are made from the code
	$(BIN)/python -m docs.generate

bench: setup ## Measure the engine's overhead and the delivery to Langfuse, each beside peers
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/delivery.py --beside 5da323f

simulate: setup ## Measure the gate's false alarms and power (BUILDS=full for the published figures, in pieces with ARGS="--resume FILE"; WORLD=second)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/simulate.py --builds $(or $(BUILDS),quick) --world $(or $(WORLD),reference) $(ARGS)

rivals: setup ## Put the rules in use today beside ours, on the same simulated builds
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/todays_tools.py --builds $(or $(BUILDS),300)

crash: setup ## Kill a run 50 times with SIGKILL, resume it, count what is there
	$(BIN)/python benchmarks/crash.py

mutants: setup ## Change one token of the code forty times, and count what the tests notice (ARGS="--list", "--only 3,17")
	$(BIN)/python benchmarks/mutants.py $(ARGS)

action: setup ## Run the Action here as a runner would, for each event: READY=1 takes this environment, GATES="..." others
	$(BIN)/python -m tests.action

# TAG is read by the shell from the environment and never put into its text: whoever may push a tag may name it.
dist: ## Build wheel and sdist into dist/; where TAG=v0.1.0 is given, it must be the version's
	@version=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml); \
	  test -z "$$TAG" || test "$$TAG" = "v$$version" || \
	  { echo "the tag $$TAG is not that of version $$version" >&2; exit 2; }
	$(PYTHON) -m venv build/venv
	build/venv/bin/python -m pip install --quiet --disable-pip-version-check build twine
	rm -rf dist
	build/venv/bin/python -m build --outdir dist .
	build/venv/bin/twine check --strict dist/*

clean: ## Remove the virtual environment and local stores
	rm -rf $(VENV) $(ADAPTERS) $(LANGFUSE_4) build dist .deepeval .scoregate .pytest_cache .mypy_cache .ruff_cache
