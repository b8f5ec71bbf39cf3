# commlab: `make` prints the targets; `make reports` and `make test` are the two commands.
PY      := .venv/bin/python
STAMP   := .venv/.ready
PYTHON  ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
# uv is pinned like everything else; it only installs, nothing imports it.
UV      := uv==0.13.9
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help env reports examples check-data test check lint clean sample lock bench torture mutate sbom docs

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

env: $(STAMP) ## build .venv (the only set-up; instant when nothing changed)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "commlab needs Python 3.11 or newer; found none as $(PYTHON). Or: make PYTHON=/path/to/python3.11 ..."; exit 2; }
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check "$(UV)"
	@.venv/bin/uv pip sync --quiet --compile-bytecode --python $(PY) requirements.lock
	@.venv/bin/uv pip install --quiet --python $(PY) --no-deps -e .
	@touch $(STAMP)

reports: env ## read the raw files, then regenerate the newest quarter's reports
	@$(PY) -m commlab run

examples: env ## every template as a study of its own in examples/, with its reports
	@for t in $(filter-out starter,$(notdir $(patsubst %/study.yaml,%,$(wildcard commlab/templates/*/study.yaml)))); do \
		echo "== $$t"; rm -rf "examples/$$t"; \
		$(PY) -m commlab init "examples/$$t" --from "$$t" > /dev/null && $(PY) -m commlab run --study "examples/$$t" || exit 1; \
	done

check-data: env ## only read, clean and check the raw files
	@$(PY) -m commlab check

test: env ## every test (whole-study runs included)
	@$(PY) -m pytest

check: env ## format, lint, types, fast tests, doctests: under a minute
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy --no-error-summary
	@$(PY) -m pytest -m "not slow"

sample: env ## write the sample study's raw files again (same seed, same bytes)
	@$(PY) tools/sample_study.py

bench: env ## run the benchmarks; each prints its ratios
	@for b in benchmarks/*.py; do echo "== $$b"; $(PY) $$b || exit 1; done

torture: env ## ill-treat the suite: kills, faults, same bytes, canaries, hostile strings, fuzzing, twenty quarters
	@$(PY) tools/torture.py

mutate: env ## change weights, survey and scoring 300 times: do the tests notice? (goes on where it stopped)
	@$(PY) tools/mutate.py

sbom: env ## the bill of materials in build/sbom.cdx.json, the list of licences, and a search for secrets
	@$(PY) tools/supply.py sbom --output build/sbom.cdx.json
	@$(PY) tools/supply.py licences --output licences.csv
	@$(PY) tools/supply.py secrets

docs: env ## build the handbook into site/ (look at it with: python -m http.server -d site)
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet --strict

lock: env ## pin every dependency again with hashes; then the list of licences and the bill of materials
	@.venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-annotate --no-header --extra dev pyproject.toml -o requirements.lock
	@$(MAKE) --no-print-directory sbom

clean: ## remove everything that can be made again (not the raw files)
	@rm -rf data/processed/2* data/processed/.cache figures/2* reports examples site .pytest_cache .mypy_cache .ruff_cache
