"""Digests and times of one small network per architecture, with each kind of arithmetic.

Run it on two processors and compare: a kind of arithmetic is portable if its digests agree. On Linux, other processors
can be emulated: `qemu-x86_64 -cpu Haswell .venv/bin/python benchmarks/portability.py`, and likewise EPYC or
Skylake-Client (slow, and only as good as the emulator; approximate instructions, which differ between vendors, are not
used by these networks).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from similitude.suites.arithmetic import EXPECTED, EXPECTED_WITH
from similitude.suites.portable import environment

KINDS: dict[str, dict[str, str]] = {
    "portable": environment(),
    "MKL for AVX2": {**environment(), "MKL_CBWR": "AVX2"},
    "native": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
}
SCRIPT = """
import sys, time
from similitude.suites.portable import describe_processor, prepare_torch
from similitude.suites import arithmetic
prepare_torch()
for architecture in sys.argv[1:]:
    start = time.perf_counter()
    found = arithmetic._digest_of(architecture)
    seconds = time.perf_counter() - start
    print(f"{architecture:10} {found} {seconds:6.1f} s  {describe_processor()['kernels']}", flush=True)
"""


def main() -> None:
    """Print one line per kind of arithmetic and architecture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help=f"kinds of arithmetic, of {', '.join(KINDS)}; by default all")
    chosen = parser.parse_args().kinds or list(KINDS)
    if unknown := set(chosen) - set(KINDS):
        parser.error(f"unknown kind {sorted(unknown)[0]!r}; there are {', '.join(KINDS)}")
    print(f"expected of portable arithmetic with {EXPECTED_WITH}: {EXPECTED}")
    for kind in chosen:
        print(f"== {kind}", flush=True)
        own = {name: value for name, value in os.environ.items() if name not in environment()}
        subprocess.run([sys.executable, "-c", SCRIPT, *EXPECTED], env={**own, **KINDS[kind]}, check=True)


if __name__ == "__main__":
    main()
