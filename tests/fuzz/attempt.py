"""Read files that are damaged or made to harm, in a process of its own, and say on stdout what became of each.

    python attempt.py FOLDER CASES

Each file may take 20 seconds; one that takes longer, or that crashes the interpreter, ends the process, and the last
line names it.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import sys
import time
import warnings
from pathlib import Path

from kinds import KINDS, Kind

from similitude.errors import SimilitudeError

_SECONDS = 20


def attempt(kind: Kind, path: Path) -> dict[str, object]:
    """Read a file: kind of outcome, message, seconds, and megabytes by which the process grew to its largest."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.alarm(_SECONDS)
    try:
        kind.read(path)
    except SimilitudeError as error:
        outcome, message = "refused", str(error)
    except BaseException as error:  # this is what is looked for
        outcome, message = "fault", f"{type(error).__name__}: {error}"
    else:
        outcome, message = "read", ""
    signal.alarm(0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    return {"outcome": outcome, "message": message, "seconds": time.perf_counter() - started, "grown": grown}


def main(folder: Path, cases: int) -> None:
    """Try the crafted files of every kind, and so many mutations of a whole one."""
    for kind in KINDS:
        place = folder / kind.name.replace(".", "-")
        place.mkdir()
        path = place / (kind.name if "." in kind.name else f"net.{kind.name}")
        kind.whole(path)
        whole = path.read_bytes()
        for number in range(-1 - len(kind.crafted), cases):
            shutil.rmtree(place)
            place.mkdir()
            if number == -1:
                path.write_bytes(whole)
            elif number < -1:
                kind.crafted[-2 - number](path)
            else:
                draw = random.Random(f"{kind.name} {number}")
                path.write_bytes(kind.mutations[number % len(kind.mutations)](whole, draw))
            print(json.dumps({"kind": kind.name, "case": number}), flush=True)
            print(json.dumps(attempt(kind, path)), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), int(sys.argv[2]))
