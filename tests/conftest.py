"""Shared fixtures."""

import importlib.util
from collections.abc import Iterator

import numpy as np
import pytest

from kernels import loaded
from similitude.errors import MissingDependency, SimilitudeWarning


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kernel", help="OpenBLAS kernel that NumPy and SciPy must be found to run; see kernels.py")
    parser.addoption("--core", action="store_true", help="Skip what needs an extra; none may be installed")


def pytest_configure(config: pytest.Config) -> None:
    kernel = config.getoption("--kernel")
    if kernel is not None and set((found := loaded()).values()) != {kernel}:
        raise pytest.UsageError(f"The tests are to run with the OpenBLAS kernel {kernel}, but found {found}.")
    if config.getoption("--core") and importlib.util.find_spec("torch") is not None:
        raise pytest.UsageError("--core is for an environment without the extras, but torch is installed.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except (MissingDependency, SimilitudeWarning) as error:
        # A measure that fails costs itself only, so that what it lacks is told by a warning.
        if item.config.getoption("--core") and "pip install 'similitude[" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
