"""Every reader gives a value or one of our errors, whatever the file: in time, within memory, and in one line."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

for needed in ("h5py", "pyarrow", "safetensors"):
    pytest.importorskip(needed)
if importlib.util.find_spec("resource") is None:
    pytest.skip("memory is not measured on this system", allow_module_level=True)

CASES = 24
KINDS = (
    "npy", "npz", "safetensors", "h5", "parquet", "pt", "pkl", "csv", "predictions.npz", "manifest.json", "model.json",
    "results.json", "tar", "txt",
)  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, dict[int, dict]]:
    """Kind of file to case to what became of it."""
    script = Path(__file__).with_name("attempt.py")
    command = [sys.executable, "-X", "faulthandler", str(script), str(tmp_path_factory.mktemp("fuzz")), str(CASES)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"the reader crashed or hung at {lines[-1:]}: {done.stderr[-2000:]}"
    found: dict[str, dict[int, dict]] = defaultdict(dict)
    for case, outcome in zip(lines[::2], lines[1::2], strict=True):
        found[case["kind"]][case["case"]] = outcome
    return found


def test_every_kind_is_tried(outcomes):
    assert set(outcomes) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_any_file_is_read_or_refused(kind, outcomes):
    of_kind = outcomes[kind]
    assert of_kind[-1]["outcome"] == "read", f"the whole file is refused: {of_kind[-1]['message']}"
    assert sum(outcome["outcome"] == "refused" for outcome in of_kind.values()) >= 3
    for case, outcome in of_kind.items():
        message = outcome["message"]
        assert outcome["outcome"] != "fault", f"case {case}: {message}"
        assert outcome["grown"] < 1000, f"case {case} took {outcome['grown']} MB: {message}"
        assert message.isprintable(), f"case {case}: {message!r}"
        assert len(message) < 2000, f"case {case}: {message[:200]}"
        assert "does not fit in memory" not in message, f"case {case} was noticed too late"
