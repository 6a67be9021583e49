"""The package as a whole: what it exports, how it is layered, and that the core stands without torch."""

import subprocess
import sys

import pytest

import similitude


def test_all_names_exist():
    assert all(hasattr(similitude, name) for name in similitude.__all__)
    assert len(set(similitude.__all__)) == len(similitude.__all__)


WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers", "mlxtend", "ot", "pyarrow", "h5py", "jinja2", "plotly"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""


def python(code):
    return subprocess.run([sys.executable, "-c", WITHOUT_TORCH + code], capture_output=True, text=True, timeout=120)


def test_measuring_works_with_the_core_alone():
    code = """
import numpy as np, similitude
X = np.random.default_rng(0).normal(size=(50, 4))
assert abs(similitude.compare(X, X)["cka"] - 1) < 1e-12
assert similitude.pairwise([X, X + 1], ["cka"]).matrix("cka").shape == (2, 2)
"""
    process = python(code)
    assert process.returncode == 0, process.stderr


def test_building_networks_says_what_to_install(tmp_path):
    code = f"""
from similitude.cli.main import main
sys.argv = ["similitude", "build", "vision", "--home", {str(tmp_path)!r}]
main()
"""
    process = python(code)
    assert process.returncode == 2
    assert "pip install 'similitude[" in process.stderr
    assert "Traceback" not in process.stderr


def test_names_are_listed_before_they_are_used():
    code = "import similitude; assert set(similitude.__all__) <= set(dir(similitude)), dir(similitude)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No similitude attribute cca"):
        similitude.cca  # noqa: B018


def test_subpackages_need_no_import_of_their_own():
    code = "import similitude; similitude.errors.InputError; similitude.factors.ThinSVD; similitude.testing.ReportCard"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
