"""Rerun the numerical tests as other x86-64 processors would: ``python tests/kernels.py [PYTEST OPTIONS]``.

OpenBLAS and NumPy choose code by the processor, and the order of rounding with it. Both can be told to take the code of
an older one. What this processor cannot run, or these builds of OpenBLAS do not have, is skipped with a word.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_info

ROOT = Path(__file__).parents[1]

NUMERICAL = [
    *("tests/measures", "tests/factors", "tests/linalg", "tests/doctor", "tests/reference"),
    *(f"tests/engine/test_{name}.py" for name in ("compute", "streaming", "streamed", "independence", "models")),
    "tests/benchmark/test_statistics.py",
    *("-k", "not killed", "-m", "not slow"),
]


def _newest(feature: str) -> bool:
    return feature.startswith("AVX512") or feature == "X86_V4"


KERNELS: dict[str, Callable[[str], bool]] = {
    "SkylakeX": lambda feature: False,
    "Haswell": _newest,
    "Zen": _newest,
    "Sandybridge": lambda feature: True,
    "Nehalem": lambda feature: True,
}
"""OpenBLAS's name of a processor, and which of NumPy's optional instruction sets it lacks."""


def loaded() -> dict[str, str]:
    """Kernels that each OpenBLAS of this process runs, after some work by each."""
    square = np.random.default_rng(0).normal(size=(130, 130))
    for library in (np.linalg, scipy.linalg):
        for matrix in (square, square.astype(np.float32)):
            library.svd(matrix)
            library.eigh(matrix @ matrix.T)
            library.cholesky(matrix @ matrix.T + 10 * np.eye(130, dtype=matrix.dtype))
            library.qr(matrix)
    scipy.linalg.solve_triangular(square, square)
    return {
        Path(library["filepath"]).name.partition("-")[0]: library.get("architecture", "?")
        for library in threadpool_info()
        if library["internal_api"] == "openblas"
    }


def environment(kernel: str) -> dict[str, str]:
    """Variables under which a new process runs as if on another processor."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBLAS_", "NPY_"))}
    found: Iterable[str] = np.show_config(mode="dicts")["SIMD Extensions"]["found"]  # type: ignore[index]
    lacking = " ".join(filter(KERNELS[kernel], found))
    return {**kept, "OPENBLAS_CORETYPE": kernel, "NPY_DISABLE_CPU_FEATURES": lacking}


def unusable(kernel: str) -> str:
    """Why a kernel cannot be tested here; empty if it can."""
    probe = [sys.executable, __file__, "--loaded"]
    done = subprocess.run(probe, env=environment(kernel), capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGILL:
        return "this processor lacks its instructions"
    if done.returncode:
        return f"the libraries do not work with it:\n{done.stderr}"
    found = set(done.stdout.split())
    if not found:
        return "NumPy and SciPy come without OpenBLAS here"
    return "" if found == {kernel} else f"OpenBLAS takes the code of {' and '.join(sorted(found))} instead"


def main(options: list[str]) -> int:
    """Run the tests under each kernel; the exit code is 1 if any run failed."""
    failed = []
    for kernel in KERNELS:
        if reason := unusable(kernel):
            print(f"== {kernel}: skipped, {reason}", flush=True)
            continue
        start = time.monotonic()
        print(f"== {kernel}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--kernel", kernel, *NUMERICAL, *options]
        done = subprocess.run(command, cwd=ROOT, env=environment(kernel), check=False)
        outcome = "failed" if done.returncode else "passed"
        print(f"== {kernel}: {outcome} in {time.monotonic() - start:.0f} s", flush=True)
        if done.returncode:
            failed.append(kernel)
    if failed:
        print(f"The numerical tests failed under {', '.join(failed)}. To repeat one run, see tests/kernels.py.")
    return int(bool(failed))


if __name__ == "__main__":
    if sys.argv[1:] == ["--loaded"]:
        print(*loaded().values())
    else:
        sys.exit(main(sys.argv[1:]))
