# The two commands are `make run` and `make test`. `make help` lists the others.
#
# ARGS goes to the command at the end:  make run ARGS="--port 9000"   make test ARGS="-k cubic -x"
# JOBS is the number of processes that run tests:  make test JOBS=0 ARGS=--pdb
# PYTHON names the Python to start from:  make run PYTHON=python3.12

.DEFAULT_GOAL := help
.PHONY: help run test check format bench fuzz demo-models clean
unexport PYTHONDONTWRITEBYTECODE

# Tiny tensors and two cores: a second thread in the numerical libraries only spins.
export OMP_NUM_THREADS ?= 1
BIN := .venv/bin
JOBS ?= 2
export PYTHON
SETUP := python=$$(scripts/find-python) && "$$python" scripts/install.py

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: ## Install, then start the web server and a worker; Ctrl-C stops both
	@$(SETUP)
	@$(BIN)/proofboard up $(ARGS)

test: ## Install what tests need, then run all of them
	@$(SETUP) --tests
	@chromium=$$($(BIN)/python scripts/browser.py) && \
	  CHROMIUM="$$chromium" $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: ## Lint, format, types, import contracts; all of them, whatever the first says
	@$(SETUP) --tests
	@failed=; \
	for tool in "ruff check" "ruff format --check" mypy "mypy scripts" lint-imports; do \
	  echo "--- $$tool"; $(BIN)/$$tool || failed="$$failed, $$tool"; \
	done; \
	test -z "$$failed" || { echo "Failed$$failed."; exit 1; }

format: ## Put every Python file into the house format
	@$(SETUP) --tests
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: ## Time each strategy on one (64, 4, 32) model
	@$(SETUP)
	$(BIN)/python -m benchmarks.strategies $(ARGS)

fuzz: ## Ten thousand damaged certificates for each strategy against the checker; minutes
	@$(SETUP) --tests
	PROOFBOARD_FUZZ=10000 $(BIN)/python -m pytest -n $(JOBS) -o faulthandler_timeout=0 tests/proofs/test_checker_fuzz.py

demo-models: ## Train the models in demo/ again
	@$(SETUP)
	$(BIN)/proofboard train --seed 123 --n-ctx 4 --d-vocab 64 --d-model 32 demo/max-of-4-v64-d32-seed123.safetensors
	$(BIN)/proofboard train --seed 123 --n-ctx 3 --d-vocab 10 --d-model 8 demo/max-of-3-v10-d8-seed123.safetensors

clean: ## Remove the environment and the caches; data/ stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
