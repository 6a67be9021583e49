"""Arithmetic that gives the same networks on every x86-64 processor with AVX2, and a digest that shows whether it did.

Libraries choose their kernels by processor, and kernels differ in the order of their sums. Training amplifies such
differences in the last digit into other networks. Worker processes therefore start with one instruction set for
PyTorch, oneDNN, OpenBLAS and NumPy, with MKL in its one mode that treats all vendors alike, and with one thread.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from similitude.errors import require

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["describe_processor", "digest", "environment", "prepare_torch"]


def environment() -> dict[str, str]:
    """Return the environment variables that a worker process needs before it imports any library.

    ``MKL_CBWR=AVX2`` would be faster, but MKL heeds it on Intel's processors only.
    """
    return {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": " ".join(_beyond_avx2()),
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _beyond_avx2() -> list[str]:
    """Return the instruction sets with kernels in this NumPy that not every processor with AVX2 has."""
    from numpy._core._multiarray_umath import __cpu_dispatch__  # type: ignore[attr-defined]

    return [name for name in __cpu_dispatch__ if name.startswith(("AVX512", "X86_V4"))]


def prepare_torch() -> None:
    """Make PyTorch deterministic and single-threaded in this process."""
    torch = require("torch", extra="models")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def digest(tensors: Iterable[Tensor | np.ndarray]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 over the bytes of tensors, in order."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(np.ascontiguousarray(np.asarray(tensor)).tobytes())
    return found.hexdigest()[:16]


def describe_processor() -> dict[str, Any]:
    """Return the processor's name and the versions of the libraries that networks are trained with."""
    torch = require("torch", extra="models")
    return {
        "processor": _processor_name(),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__.partition("+")[0],
        "numpy": np.__version__,
    }


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
