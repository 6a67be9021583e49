"""The ledger keeps what was finished, whatever happens to the process, the file or the disk."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from similitude.engine.ledger import Entry, Key, Ledger
from similitude.errors import FileError


def key(i: int, measure: str = "cka", version: str = "1") -> Key:
    return Key(f"x{i}", f"y{i}", measure, version)


WRITER = """
import sys
from similitude.engine.ledger import Entry, Key, Ledger
path, first, batch, batches = sys.argv[1], *map(int, sys.argv[2:])
with Ledger(path) as ledger:
    for b in range(batches):
        start = first + b * batch
        ledger.add((Key(f"x{i}", f"y{i}", "cka", "1"), Entry(i / 3, 0.0)) for i in range(start, start + batch))
        print(start + batch, flush=True)
"""


def start_writer(path, first, batch, batches) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(path), *map(str, (first, batch, batches))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_returns_what_was_added_to_the_last_bit(tmp_path):
    value = 0.1 + 0.2
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add([(key(0), Entry(value, 0.5)), (key(1), Entry(None, 0.1, "MeasureError: rank"))])
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.find([key(0), key(1), key(2)]) == {
            key(0): Entry(value, 0.5),
            key(1): Entry(None, 0.1, "MeasureError: rank"),
        }
        assert len(ledger) == 2


@pytest.mark.parametrize(
    "other", [key(0, measure="cka(debiased=true)"), key(0, version="2"), Key("y0", "x0", "cka", "1")]
)
def test_another_measure_version_or_order_is_another_value(tmp_path, other):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add([(key(0), Entry(1.0, 0.0))])
        assert ledger.find([other]) == {}


def test_finds_many_among_more_and_asks_afresh_each_time(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add((key(i), Entry(float(i), 0.0)) for i in range(5000))
        assert len(ledger.find(key(i) for i in range(2500, 7500))) == 2500
        assert list(ledger.find([key(7)])) == [key(7)]
        assert ledger.find([]) == {}


def test_kill_at_any_moment_keeps_every_finished_transaction(tmp_path):
    path, batch, finished = tmp_path / "ledger.sqlite", 50, 0
    delays = random.Random(0)
    for _ in range(4):
        writer = start_writer(path, finished, batch, 100_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delays.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        told = [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        writer.stdout.close()
        with Ledger(path) as ledger:
            kept = len(ledger)
            assert kept % batch == 0, "half a transaction is on disk"
            assert kept >= max(told, default=finished + batch)
            assert len(ledger.find(key(i) for i in range(kept))) == kept
        finished = kept


def test_two_processes_write_at_once_even_from_the_start(tmp_path):
    path = tmp_path / "ledger.sqlite"
    writers = [start_writer(path, first, 10, 40) for first in (0, 200, 10_000)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    with Ledger(path) as ledger:
        assert len(ledger) == 600 + 400  # the first two overlap in 200
        assert ledger.find([key(399)])[key(399)].value == 399 / 3


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be taken for one" * 20, b"{}"])
def test_a_foreign_file_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"results\.json cannot be used as a ledger"):
        Ledger(path)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE finished (dinner TEXT)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(FileError, match="another program"):
        Ledger(path)
    assert path.read_bytes() == content


def test_a_truncated_ledger_is_an_error_and_left_alone(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.add((key(i), Entry(1.0, 0.0)) for i in range(2000))
    content = path.read_bytes()[: 3 * 4096 + 100]
    path.write_bytes(content)
    with pytest.raises(FileError, match="cannot be used as a ledger"), Ledger(path) as ledger:
        ledger.find(key(i) for i in range(2000))
    assert path.read_bytes() == content


def test_a_full_disk_is_said_and_what_was_written_stays(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.add((key(i), Entry(float(i), 0.0)) for i in range(100))
        pages = ledger._database.execute("PRAGMA page_count").fetchone()[0]
        ledger._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(FileError, match="disk is full"):
            ledger.add((key(i), Entry(float(i), 0.0)) for i in range(100, 5000))
        assert len(ledger.find(key(i) for i in range(5000))) == 100
    with Ledger(path) as ledger:
        assert len(ledger) == 100
        ledger.add([(key(100), Entry(1.0, 0.0))])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FileError):
        Ledger(tmp_path / "sub" / "ledger.sqlite")


def test_a_path_through_a_file_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="file"):
        Ledger(tmp_path / "file" / "ledger.sqlite")
