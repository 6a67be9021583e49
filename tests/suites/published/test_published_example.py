"""The example archive: seedable, of any width and deletion grid, gradable without a fault."""

from dataclasses import replace

import numpy as np
import pytest

from similitude.errors import InputError
from similitude.suites.published.distances import MEASURE_OF
from similitude.suites.published.example import ExampleSize, make_example
from similitude.suites.published.published_values import SOURCES, published_values
from similitude.suites.published.reproduce import reproduce

SMALL = ExampleSize(
    width=5, tokens=20, layers=2, medium_layers=1, base=3, feather=4, pretraining=2, finetuning=3, deleted=(0, 2, 4)
)


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_archive(tmp_path):
    a, b, c = (content(make_example(tmp_path / name, SMALL, seed=s)) for name, s in (("a", 3), ("b", 3), ("c", 4)))
    assert a == b
    assert a.keys() == c.keys()
    assert a != c


@pytest.mark.parametrize("width", [4, 9])
def test_stored_and_recomputed_agree_on_an_example(tmp_path, width):
    size = replace(SMALL, width=width, deleted=(0, 1, width - 1))
    folder = make_example(tmp_path / "example", size)
    stored, computed = reproduce(folder), reproduce(folder, from_embeddings=True)
    assert stored.faults == computed.faults == ()
    a, b = stored.results.frame, computed.results.frame
    both = a["estimate"].notna() & (a["measure"] != "pwcca")
    assert both.sum() == 6 * 4 * 2 * 2
    np.testing.assert_allclose(a["estimate"][both], b["estimate"][both], atol=1e-9)
    widths = {np.load(file, mmap_mode="r").shape for file in folder.rglob("rep.npy")}
    assert widths == {(width, 20)}


@pytest.mark.parametrize(
    "wrong", [{"tokens": 6}, {"base": 0}, {"deleted": (0, 5)}, {"deleted": (1, 2)}, {"deleted": (-1, 0)}]
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(InputError):
        replace(SMALL, **wrong)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        make_example(tmp_path, SMALL)


def test_published_values_name_what_exists():
    from similitude.suites.published.layout import SUBTASKS

    table = published_values()
    assert len(table) > 40
    for (subtask, functionality, measure, statistic), value in table.items():
        assert functionality in SUBTASKS[subtask].functionalities
        assert statistic in ("spearman", "kendall")
        assert not value.comparable or measure in MEASURE_OF.values()
        assert value.source in SOURCES
        assert abs(float(value.value)) < 1
        digits = len(value.value.partition(".")[2])
        assert digits in (3, 6)
        assert value.agrees(float(value.value) + 0.4 * 10**-digits)
        assert not value.agrees(float(value.value) + 0.6 * 10**-digits)
