"""The intuitive tests of a suite beside its benchmark: table, verdicts, figures, files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.intuitive.scores import Interval
from similitude.benchmark.intuitive.study import SeedStudy, Tested
from similitude.report.figures import double_heat_map
from similitude.report.figures_networks import sensitivity_curves
from similitude.report.style import save
from similitude.representations.tables import plain, write_csv
from similitude.representations.text import json_text, write_text

__all__ = ["IntuitiveReport"]

_DIGITS = 10
"""Decimals of the numbers in the JSON file."""


@dataclass(frozen=True)
class IntuitiveReport:
    """What the intuitive tests and the benchmark say of each measure on one suite.

    Parameters
    ----------
    suite
        Name of the suite.
    study
        The tests.
    grades
        Indexed by measure: mean_rank and worst (ρ) over the suite's subtasks.
    claim
        Whether the paper's opening claim holds, in words.
    """

    suite: str
    study: SeedStudy
    grades: pd.DataFrame
    claim: str

    def table(self) -> pd.DataFrame:
        """One row per measure: specificity, sensitivity in the last layer, benchmark."""
        return pd.DataFrame([self._row(t) for t in self.study.tested])

    def _row(self, tested: Tested) -> dict[str, Any]:
        specific, sensitive = tested.specificity, tested.sensitivity
        last = sensitive.detected[-1]
        return {
            "measure": str(tested.measure),
            "identification": specific.identification.estimate,
            "depth_over_seed": specific.depth_over_seed.estimate,
            "seed_share": specific.seed_share.estimate,
            "detected": last.estimate,
            "detected_low": last.low,
            "detected_high": last.high,
            "probe_full": sensitive.probe[-1, 0],
            "probe_detected": sensitive.probe[-1, 1],
            "mean_rank": self.grades["mean_rank"].get(str(tested.measure), np.nan),
            "worst": self.grades["worst"].get(str(tested.measure), np.nan),
            "failed": tested.failed,
        }

    def record(self) -> dict[str, Any]:
        """All of it as plain values for JSON; what is undefined or infinite is None."""
        study = self.study
        return {
            "suite": self.suite,
            "population": study.population,
            "models": list(study.models),
            "layers": list(study.layers),
            "n": study.n,
            "functionality": study.functionality,
            "claim": self.claim,
            "table": [{k: plain(v, _DIGITS) for k, v in row.items()} for row in self.table().to_dict("records")],
            "measures": {str(t.measure): _measure_record(t) for t in study.tested},
        }

    def write(self, folder: Path) -> None:
        """Write ``intuitive-SUITE.json``, ``.csv`` and ``.md``, and the figures."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"intuitive-{self.suite}"
        write_text(folder / f"{name}.json", f"{json_text(self.record())}\n")
        write_csv(self.table(), folder / f"{name}.csv")
        write_text(folder / f"{name}.md", _markdown(self))
        study = self.study
        pairs = len(study.models) * (len(study.models) - 1) // 2
        for part, tested in _parts(study.tested, 3):
            maps = {str(t.measure): t.specificity.double_map for t in tested}
            figure = double_heat_map(maps, study.layers, pairs=pairs, n=study.n, title=self.suite)
            save(figure, folder / "figures" / f"{name}-specificity{part}")
        for part, tested in _parts(study.tested, 6):
            curves = {str(t.measure): t.sensitivity for t in tested}
            figure = sensitivity_curves(curves, study.layers, models=len(study.models), n=study.n, title=self.suite)
            save(figure, folder / "figures" / f"{name}-sensitivity{part}")


def _parts(tested: Sequence[Tested], size: int) -> Iterator[tuple[str, Sequence[Tested]]]:
    """So many measures a figure, and a number for its name if there is more than one figure."""
    for start in range(0, len(tested), size):
        yield f"-{start // size + 1}" if len(tested) > size else "", tested[start : start + size]


def _measure_record(tested: Tested) -> dict[str, Any]:
    specific, sensitive = tested.specificity, tested.sensitivity
    return {
        "identification": _interval(specific.identification),
        "depth_over_seed": _interval(specific.depth_over_seed),
        "seed_share": _interval(specific.seed_share),
        "double_map": plain(specific.double_map, _DIGITS),
        "shares": plain(sensitive.shares, _DIGITS),
        "curve": plain(sensitive.curve, _DIGITS),
        "threshold": plain(sensitive.threshold, _DIGITS),
        "spread": plain(sensitive.spread, _DIGITS),
        "detected": [_interval(d) for d in sensitive.detected],
        "probe": plain(sensitive.probe, _DIGITS),
        "verdict": {
            "invariant_to": tested.verdict.invariant_to,
            "misses": tested.verdict.misses,
            "overreacts": tested.verdict.overreacts,
            "summary": tested.verdict.summary,
        },
        "failed": tested.failed,
    }


def _markdown(report: IntuitiveReport) -> str:
    lines = [f"# Intuitive tests, {report.suite}", "", report.claim, ""]
    for tested in report.study.tested:
        words = tested.verdict
        lines += [
            f"## {tested.measure}",
            "",
            words.summary,
            "",
            f"- Invariant to: {words.invariant_to}.",
            f"- Misses: {words.misses or 'nothing that these tests ask for'}.",
            f"- Over-reacts to: {words.overreacts or 'nothing that these tests ask for'}.",
            "",
        ]
    return "\n".join(lines)


def _interval(found: Interval) -> dict[str, float | None]:
    return {
        "estimate": plain(found.estimate, _DIGITS),
        "low": plain(found.low, _DIGITS),
        "high": plain(found.high, _DIGITS),
    }
