# Every target sets up what it needs: a virtual environment with pinned packages. A second run of
# any target finds that done and starts at once.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test serve check lock

demo: $(READY)
	@$(BIN)/python -m project.demo.run

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

serve: $(READY)
	$(BIN)/python manage.py serve --port $(PORT)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.readme

# Pin anew what pyproject.toml asks for.
lock: $(READY)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
		--no-header --python-version 3.11 --extra dev pyproject.toml --output-file requirements/dev.txt

$(READY): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv with the pinned packages; this takes about a minute, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@touch $@
