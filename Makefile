# Every target sets up what it needs: a virtual environment with pinned packages. A second run of
# any target finds that done and starts at once.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
READY := .venv/ready
BENCH_READY := .venv/bench-ready

.PHONY: demo test test-client test-server chaos bench soak serve stack bundle
.PHONY: check check-client check-types check-server lock

# STACK=1 for the distributed set-up.
demo: bundle
	@$(BIN)/python -m project.demo.run $(if $(STACK),--stack)

test: test-client test-server

test-client: bundle
	@$(BIN)/python hatch_build.py test

# Many processes are started: none should compile anew what another has.
test-server: bundle
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

# The fault suite for SECONDS (60); SEED plays one again, otherwise it is chosen and printed.
chaos: $(READY)
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) --seconds $(or $(SECONDS),60) $(ARGS)

# All workloads, in under ten minutes; ARGS=fanout for one, ARGS=--quick for a glance.
bench: $(BENCH_READY)
	@$(BIN)/python -m benchmarks $(ARGS)

# Ten minutes of clients that come and go; SECONDS=60 for a short one.
soak: $(BENCH_READY)
	@$(BIN)/python -m benchmarks soak --seconds $(or $(SECONDS),600) $(ARGS)

serve: bundle
	$(BIN)/python manage.py serve --port $(PORT)

# The services of docker-compose.yml without Docker; RABBITMQ=1 for RabbitMQ as the broker.
stack: bundle
	@$(BIN)/python -m project.stack --port $(PORT) $(if $(RABBITMQ),--rabbitmq)

# The browser's client, built where npm is there; where it is not, it says so.
bundle: $(READY)
	@$(BIN)/python hatch_build.py

check: check-client check-types check-server

check-client: bundle
	@$(BIN)/python hatch_build.py check

check-types: $(READY)
	$(BIN)/mypy

check-server: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.readme

# Pin anew what pyproject.toml asks for.
lock: $(READY)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
		--no-header --python-version 3.11 --extra dev pyproject.toml --output-file requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra demo --extra postgres --extra rabbitmq --extra redis \
		--extra server --constraint requirements/dev.txt pyproject.toml \
		--output-file requirements/stack.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra bench --constraint requirements/dev.txt pyproject.toml \
		--output-file requirements/bench.txt

$(READY): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv with the pinned packages; this takes about a minute, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m compileall -q -j 0 .venv # On all cores, where pip takes one.
	@touch $@

$(BENCH_READY): $(READY) requirements/bench.txt
	@echo "Adding what the benchmarks need beside; this takes a few seconds, once."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/bench.txt
	@touch $@
