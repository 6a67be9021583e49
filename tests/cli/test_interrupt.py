"""Ctrl-C in a real process that computes or trains: exit code 130 and one line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest


def interrupted(arguments, folder, begun):
    """Standard error and exit code of a command that gets SIGINT, with all its workers, a second after it has begun."""
    process = subprocess.Popen(
        [sys.executable, "-m", "similitude", *map(str, arguments)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + 120
    while not begun() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()[1]
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said = process.communicate(timeout=120)[1]
    return process.returncode, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said)


@pytest.mark.parametrize("executor", ["threads", "processes:2"])
def test_of_a_run(executor, tmp_path):
    nets = tmp_path / "nets"
    nets.mkdir()
    rng = np.random.default_rng(0)
    for k in range(30):
        np.save(nets / f"net{k}.npy", rng.normal(size=(1500, 200)))
    rows = [f"net{k},{k}" for k in range(30)]
    (tmp_path / "scores.csv").write_text("\n".join(["model,acc", *rows]))
    arguments = ("run", nets, "--scores", "scores.csv", "-m", "pwcca,rsa,jaccard", "--executor", executor)
    home = tmp_path / "home"
    code, said = interrupted(
        (*arguments, "--home", home, "--out", "out"), tmp_path, lambda: any(home.rglob("*.sqlite"))
    )
    assert code == 130, said
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert "leaked" not in said


@pytest.mark.slow
def test_of_a_build(tmp_path):
    pytest.importorskip("loky")
    home = tmp_path / "home"
    code, said = interrupted(
        ("build", "vision", "--scale", "quick", "--home", home), tmp_path, lambda: any(home.rglob("manifest.json"))
    )
    assert code == 130, said
    assert "Interrupted; finished networks" in said
    for wrong in ("Traceback", "leaked", "killed"):
        assert wrong not in said
