"""Hashes of files, and where two results differ."""

from similitude.runs.recipe import disagreements, hash_path


def test_hashes_follow_names_and_contents(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    first = hash_path(tmp_path / "a")
    assert hash_path(tmp_path / "a") == first
    (tmp_path / "a" / "x").write_text("2")
    second = hash_path(tmp_path / "a")
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    assert len({first, second, hash_path(tmp_path / "a")}) == 3


def test_where_results_differ():
    before = {"n": 3, "values": [{"v": 1.0}, {"v": None}], "name": "x", "flag": True}
    assert list(disagreements(before, before, 0)) == []
    after = {"n": 3, "values": [{"v": 1.0 + 1e-12}, {"v": 2.0}], "name": "y", "flag": 1.0, "more": 0}
    found = [line.partition(":")[0] for line in disagreements(before, after, 1e-9)]
    assert found == ["values[1].v", "name", "more"]
    assert len(list(disagreements([1], [1, 2], 0))) == 1
