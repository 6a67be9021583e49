"""The archive that the tests read, and one to damage."""

import shutil
from pathlib import Path

import pytest
from example_archive import SIZE, write_random_distances

from similitude.suites.published.example import make_example


@pytest.fixture(scope="session")
def pristine(tmp_path_factory) -> Path:
    """The archive; not to be written to."""
    root = tmp_path_factory.mktemp("published") / "sim_metric_resources"
    make_example(root, SIZE, seed=1, distances=False)
    write_random_distances(root, seed=2)
    return root


@pytest.fixture
def archive(pristine, tmp_path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(pristine, tmp_path / "sim_metric_resources"))
