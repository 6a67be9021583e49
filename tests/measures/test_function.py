"""Anyone's measure: from a decorator, a module, a file, an entry point."""

import pickle
import sys
from math import inf

import numpy as np
import pytest

from similitude import compare, pairwise, significance
from similitude.errors import FileError, InputError, MeasureError, UnknownName
from similitude.measures import get_measure, measure
from similitude.measures.catalogue import MEASURES
from similitude.testing import check_measure

SOURCE = '''
import numpy as np
from similitude.measures import measure

@measure(kind="dissimilarity", bounds=(0, np.inf), is_metric=True, invariances="OT")
def spread(X, Y, weight=1.0):
    """Difference of the centred norms."""
    return weight * abs(np.linalg.norm(X - X.mean(0)) - np.linalg.norm(Y - Y.mean(0)))

def plain(X, Y):
    return 0.0
'''


@pytest.fixture
def file(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "mine.py"
    sys.modules.pop("./mine.py", None)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 3)), 2 * rng.normal(size=(20, 4))


def test_a_file_is_a_measure_like_any_other(file, data):
    found = get_measure("./mine.py:spread")
    assert str(found) == "./mine.py:spread"
    assert get_measure(str(found)) == found
    assert found(*data) > 0
    assert found.dissimilarity(found(*data)) == found(*data)
    assert check_measure("./mine.py:spread").passed


def test_keyword_arguments_are_parameters(file, data):
    twice = get_measure("./mine.py:spread(weight=2)")
    assert str(twice) == "./mine.py:spread(weight=2)"
    assert twice(*data) == pytest.approx(2 * get_measure("./mine.py:spread")(*data), rel=1e-15)
    with pytest.raises(InputError, match="weight"):
        get_measure("./mine.py:spread(wieght=2)")


def test_the_version_follows_the_source(file):
    before = get_measure("./mine.py:spread")
    file.write_text(SOURCE.replace("weight * abs", "2 * weight * abs"))
    after = get_measure("./mine.py:spread")
    assert before.version != after.version
    file.write_text(SOURCE)
    assert get_measure("./mine.py:spread").version == before.version


def test_it_can_be_sent_to_another_process(file, data):
    found = get_measure("./mine.py:spread(weight=3)")
    again = pickle.loads(pickle.dumps(found))
    assert str(again) == str(found)
    assert again(*data) == found(*data)


def test_an_importable_module_serves_too(file, data, monkeypatch):
    monkeypatch.syspath_prepend(str(file.parent))
    assert str(get_measure("mine:spread")) == "mine:spread"
    assert get_measure("mine:spread")(*data) == get_measure("./mine.py:spread")(*data)
    sys.modules.pop("mine")


def test_an_entry_point_gives_it_a_short_name(file, data, monkeypatch):
    monkeypatch.syspath_prepend(str(file.parent))
    monkeypatch.setitem(MEASURES._entries, "short", "mine:spread")
    found = get_measure("short(weight=2)")
    assert str(found) == "short(weight=2)"
    assert get_measure(str(found)) == found
    assert found(*data) == pytest.approx(2 * get_measure("short")(*data))
    sys.modules.pop("mine")


@pytest.mark.parametrize(
    ("address", "error", "text"),
    [
        ("./absent.py:spread", FileError, "no file"),
        ("./mine.py:sprede", UnknownName, "spread"),
        ("./mine.py:plain", InputError, "decorator"),
        ("no_such_module:f", UnknownName, "no module"),
        ("./broken.py:f", FileError, "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_found_is_said_plainly(file, address, error, text):
    (file.parent / "broken.py").write_text("1 / 0")
    with pytest.raises(error, match=text):
        get_measure(address)


def test_the_function_sees_read_only_arrays(data):
    @measure(kind="similarity")
    def greedy(X, Y):
        X[0] = 0
        return 1.0

    original = data[0].copy()
    for x in (data[0], data[0].astype(np.float32)):
        with pytest.raises(MeasureError, match="writes to its input"):
            greedy(x, data[1])
    assert np.array_equal(data[0], original)


def test_whatever_it_raises_is_a_failure_of_the_measure(data):
    @measure(kind="similarity")
    def broken(X, Y):
        raise KeyError("oops")

    @measure(kind="similarity")
    def array_valued(X, Y):
        return X

    with pytest.raises(MeasureError, match="KeyError"):
        broken(*data)
    with pytest.raises(MeasureError, match="one number"):
        array_valued(*data)


@pytest.mark.parametrize("value", [None, "0.5", 1j, [0.5], {}])
def test_a_value_that_is_no_real_number_is_a_failure_of_the_measure(value, data):
    odd = measure(kind="similarity")(lambda X, Y: value)
    with pytest.raises(MeasureError, match="it must return one"):
        odd(*data)


def test_declarations_are_checked_at_once():
    with pytest.raises(InputError, match="kind"):
        measure(kind="distance")
    with pytest.raises(InputError, match="letters"):
        measure(kind="similarity", invariances="OX")
    with pytest.raises(InputError, match="two arrays"):

        @measure(kind="similarity", bounds=(0, inf))
        def three(X, Y, Z):
            return 0.0


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: [f], lambda f: ["cka", f]])
def test_a_function_that_declares_nothing_is_refused_with_how_to_declare_it(data, wrap):
    def closeness(X, Y):
        return 1.0

    for function, name in ((closeness, "closeness"), (lambda a, b: 1.0, "<lambda>"), (np.corrcoef, "corrcoef")):
        for call in (compare, lambda x, y, m: pairwise([x, y], m), significance):
            with pytest.raises(InputError, match=f"{name} does not say .*similitude.measure\\(kind='similarity'\\)"):
                call(*data, wrap(function))
    with pytest.raises(InputError, match="3 is not a measure"):
        compare(*data, [3])


def test_a_lambda_that_is_declared_is_a_measure(data):
    rows = measure(kind="similarity")(lambda X, Y: float(len(X)))
    assert compare(*data, rows) == {str(rows): len(data[0])}
    assert str(rows).endswith("<lambda>")
