"""Shared fixtures."""

import numpy as np
import pytest

from kernels import loaded


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kernel", help="OpenBLAS kernel that NumPy and SciPy must be found to run; see kernels.py")


def pytest_configure(config: pytest.Config) -> None:
    kernel = config.getoption("--kernel")
    if kernel is not None and set((found := loaded()).values()) != {kernel}:
        raise pytest.UsageError(f"The tests are to run with the OpenBLAS kernel {kernel}, but found {found}.")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
