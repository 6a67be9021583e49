"""Networks of the same seed are the same on every x86-64 processor with AVX2."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from similitude.suites import arithmetic  # noqa: E402
from similitude.suites.arithmetic import EXPECTED, EXPECTED_WITH, is_documented_sample, measure_arithmetic  # noqa: E402
from similitude.suites.jobs import start_workers  # noqa: E402
from similitude.suites.portable import digest, environment  # noqa: E402


def settings():
    import scipy.linalg  # noqa: F401  # brings an OpenBLAS of its own
    from threadpoolctl import threadpool_info

    kernels = {pool["architecture"] for pool in threadpool_info() if pool["internal_api"] == "openblas"}
    return torch.backends.cpu.get_cpu_capability(), kernels, torch.get_num_threads()


@pytest.fixture(scope="module")
def workers():
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("this processor has no AVX2, so its networks are another sample, as the tables then say")
    with start_workers(1) as workers:
        yield workers


def test_workers_use_kernels_that_every_processor_has(workers):
    assert workers.run([settings]) == [("AVX2", {"Haswell"}, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", EXPECTED)
def test_the_small_networks_are_the_documented_ones(workers, architecture):
    if f"torch {torch.__version__.partition('+')[0]}" != EXPECTED_WITH:
        pytest.skip(f"expected digests are those of {EXPECTED_WITH}")
    found = measure_arithmetic(workers, architecture)
    assert found == {"architecture": architecture, "digest": EXPECTED[architecture]}


@pytest.mark.slow
def test_kernels_of_the_processor_would_give_other_networks(workers):
    """The digest notices a difference that portable arithmetic removes."""
    script = (
        "from similitude.suites.portable import prepare_torch; prepare_torch()\n"
        "from similitude.suites import arithmetic; print(arithmetic._digest_of('ResNet-14'))"
    )
    changed = {**os.environ, **environment(), "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    found = subprocess.run([sys.executable, "-c", script], env=changed, capture_output=True, text=True, check=True)
    assert found.stdout.strip() != EXPECTED["ResNet-14"]


def test_the_note_beside_a_population_names_the_kernels_of_the_workers(workers, tmp_path):
    arithmetic.note_processor(workers, tmp_path, {"architecture": "BERT", "digest": "0"})
    noted = json.loads((tmp_path / "arithmetic.json").read_text())
    assert (noted["kernels"], noted["expected"]) == ("AVX2", EXPECTED["BERT"])


def test_a_digest_sees_every_bit():
    a = np.arange(6, dtype=np.float32)
    b = a.copy()
    b[3] = np.nextafter(b[3], np.float32(9))
    assert digest([torch.from_numpy(a)]) == digest([a.reshape(2, 3)])
    assert digest([a]) != digest([b])


@pytest.mark.parametrize(("found", "documented"), [("0123", True), ("4567", False), (None, None)])
def test_a_population_says_whether_it_is_the_documented_sample(tmp_path, monkeypatch, found, documented):
    monkeypatch.setattr(arithmetic, "EXPECTED", {"BERT": "0123"})
    recorded = {} if found is None else {"arithmetic": {"architecture": "BERT", "digest": found}}
    (tmp_path / "manifest.json").write_text(json.dumps({"settings": recorded}))
    assert is_documented_sample(tmp_path) is documented
