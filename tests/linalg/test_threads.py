"""Threads of the linear algebra library."""

import pytest

from similitude.linalg import threads


@pytest.fixture
def fresh():
    threads._controller.cache_clear()
    yield
    threads._controller.cache_clear()


def test_threads_are_limited_for_a_while(fresh):
    before = [library["num_threads"] for library in threads._controller().info()]
    with threads.limit_threads():
        assert {library["num_threads"] for library in threads._controller().info()} == {1}
    assert [library["num_threads"] for library in threads._controller().info()] == before


def test_a_file_in_use_whose_path_is_not_text_ends_nothing(fresh, monkeypatch):
    """Some releases of threadpoolctl read the paths of all files that a process has mapped as UTF-8."""

    def fails():
        raise UnicodeDecodeError("utf-8", b"/data/\xff.npy", 6, 7, "invalid start byte")

    monkeypatch.setattr(threads, "ThreadpoolController", fails)
    with threads.limit_threads():
        pass
