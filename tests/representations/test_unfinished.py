"""What a killed writer leaves is removed, and nothing that is being written."""

import os
import signal
import subprocess
import sys
import time

import pytest

from similitude import PopulationWriter
from similitude.representations.unfinished import remove_abandoned, unfinished

WRITER = """
import sys, time
from pathlib import Path
from similitude.representations.unfinished import unfinished
work = unfinished(Path(sys.argv[1]) / "net.1")
work.mkdir()
(work / "layer.npy").write_bytes(b"half")
print(work.name, flush=True)
time.sleep(60)
"""


@pytest.fixture
def writing(tmp_path):
    """Another process in the middle of a model."""
    (tmp_path / "models").mkdir()
    process = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / "models"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, tmp_path / "models" / process.stdout.readline().strip()
    process.kill()
    process.communicate()


def test_a_killed_writer_is_cleaned_up_after_and_a_living_one_is_not(writing, tmp_path):
    process, work = writing
    PopulationWriter(tmp_path, "nets", ["layer"], ["a"])
    assert (work / "layer.npy").exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    PopulationWriter(tmp_path, "nets", ["layer"], ["a"])
    assert os.listdir(tmp_path / "models") == []


def test_what_this_process_writes_stays(tmp_path):
    work = unfinished(tmp_path / "manifest.json")
    work.write_text("{}")
    remove_abandoned(tmp_path)
    assert work.exists()


@pytest.mark.parametrize("name", [".net.elsewhere.1.abc.partial", ".net.5.abc.partial", ".net.partial"])
def test_what_cannot_be_traced_is_left_for_a_day(name, tmp_path):
    for hours, left in ((20, True), (30, False)):
        (tmp_path / name).mkdir(exist_ok=True)
        then = time.time() - hours * 3600
        os.utime(tmp_path / name, (then, then))
        remove_abandoned(tmp_path)
        assert (tmp_path / name).exists() == left


def test_nothing_else_is_touched(tmp_path):
    for name in ("net", ".hidden", "net.partial"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, 0))
    remove_abandoned(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".hidden", "net", "net.partial"]
