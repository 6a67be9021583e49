"""Networks that predict which peptides an MHC protein binds, one per allele, graded on measured affinities.

The package mhcnuggets (Shao et al. 2020, doi:10.1158/2326-6066.CIR-19-0464) ships one small LSTM per allele. All grew
from common parents by transfer learning, and differ in the allele whose measurements they were fitted to last. How well
network i tells the binders of allele j from the other peptides is known for every pair. These are measurements that
network j was trained on, so that the accuracy of a network on its own allele is that of fitted data.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from similitude.benchmark.subtask import Functionality, Pairing, Pairwise, Subtask
from similitude.errors import FileError
from similitude.representations import ModelRecord, Score
from similitude.suites.packages.lstm import AMINO_ACIDS, PeptideNetwork, encode
from similitude.suites.packages.source import Networks, Source
from similitude.suites.scales import Scale
from similitude.suites.shipped import Package, ShippedFiles

__all__ = ["MHC", "MHC_ALL", "auc"]

BINDS = 500.0
"""A peptide binds if half of it is displaced at less than this concentration (IC50, nM)."""
_WEAKEST = 50_000.0
"""The networks' outputs are 1 - log(IC50) / log of this."""
_SHORTEST, _LONGEST, _USUAL = 8, 11, 9
"""Lengths of peptides that class I proteins bind; representations are of those of the usual length."""
_SEED = 71

_WEIGHTS = "mhcnuggets/saves/production/"
_MEASURED = "mhcnuggets/data/production/mhcI/curated_training_data.csv"
_PACKAGE = Package(
    name="mhcnuggets",
    release="2.4.1",
    wheel="mhcnuggets-2.4.1-py2.py3-none-any.whl",
    files=(f"{_WEIGHTS}HLA-[ABC]*_BA.h5", _MEASURED, "mhcnuggets-2.4.1.dist-info/LICENSE"),
    digest="4e4a98ae998c675150e02f7efd0efce1a3fcdbee9b2575bd06ce39acb9312bb1",
    size="109 MB",
    licence=(
        "Its LICENSE file is the JHU Academic Software License Agreement, for academic, non-profit or "
        "government-sponsored research only, although its metadata says Apache License."
    ),
)

_RECIPES: Mapping[Scale, Mapping[str, Any]] = {
    "quick": {"alleles": 6, "least": 1500, "inputs": 100, "tested": 200, "answered": 200},
    "embedded": {"alleles": None, "least": 1500, "inputs": 600, "tested": 600, "answered": 2000},
}
"""``least``: measured peptides that an allele needs; ``tested``: those drawn; ``answered``: other peptides."""


class _Measured(NamedTuple):
    """Peptides of an allele, and whether each binds."""

    peptides: list[str]
    binds: np.ndarray


def auc(binds: np.ndarray, outputs: np.ndarray) -> float:
    """Return the area under the ROC curve: how often a binder gets more than another peptide; ties count half."""
    positives = binds.sum()
    negatives = len(binds) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(outputs)[binds > 0].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def transfer(reference: np.ndarray, other: np.ndarray) -> float:
    """Return how much worse or better another network is on the allele of a reference: difference in AUC.

    Parameters
    ----------
    reference, other
        One row per measured peptide of all alleles: a network's output, whether the peptide binds, and whether the
        measurement is of the network's own allele.
    """
    own = reference[:, 2] > 0
    return abs(auc(reference[own, 1], reference[own, 0]) - auc(other[own, 1], other[own, 0]))


def mean_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean absolute difference, of AUCs by allele."""
    return float(np.abs(first - second).mean())


def decisions_differ(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of peptides of which one network says that they bind and the other that they do not."""
    threshold = 1 - np.log(BINDS) / np.log(_WEAKEST)
    return float(np.mean((first >= threshold) != (second >= threshold)))


def decorrelation(first: np.ndarray, second: np.ndarray) -> float:
    """Return 1 minus the correlation of two networks' outputs."""
    return float(1 - np.corrcoef(first, second)[0, 1])


def _networks(files: ShippedFiles, recipe: Mapping[str, Any], *, every: bool) -> Networks:
    """Read the networks of the alleles with enough measurements, or of every allele; both are tested on the former."""
    weights = {path.removeprefix(_WEIGHTS).removesuffix("_BA.h5"): path for path in files.matching(f"{_WEIGHTS}*")}
    measured = _read_measured(files.read(_MEASURED), files.place)
    alleles = [name for name in weights if len(measured.get(name, ())) >= recipe["least"]][: recipe["alleles"]]
    pool = sorted({peptide for found in measured.values() for peptide in found if len(peptide) == _USUAL})
    drawn = _draw(pool, recipe["inputs"] + recipe["answered"], 0)
    inputs, answered = drawn[: recipe["inputs"]], drawn[recipe["inputs"] :]
    tests = {allele: _test(measured[allele], recipe["tested"], i) for i, allele in enumerate(alleles, start=1)}

    def record(model: str) -> ModelRecord:
        network = PeptideNetwork.read(files.read(weights[model]), f"{files.place}: {weights[model]}")
        layers, _ = network.run(*encode(inputs))
        outputs = {allele: network.run(*encode(test.peptides))[1] for allele, test in tests.items()}
        aucs = {allele: auc(tests[allele].binds, found) for allele, found in outputs.items()}
        items = {
            "auc": np.array(list(aucs.values())),
            "outputs": network.run(*encode(answered))[1],
        }
        scores = [Score("auc/mean", float(items["auc"].mean()))]
        if not every:
            scores += [Score("auc/own", aucs[model], items=len(tests[model].peptides))]
            items["measured"] = np.concatenate(
                [
                    np.column_stack([found, tests[allele].binds, np.full(len(found), allele == model)])
                    for allele, found in outputs.items()
                ]
            )
        return ModelRecord(
            model,
            {name: values.astype(np.float32) for name, values in layers.items()},
            {"gene": model[:5], "measured": len(measured.get(model, ()))},
            scores,
            {name: values.astype(np.float32) for name, values in items.items()},
        )

    return Networks(list(weights) if every else alleles, ("lstm", "dense"), inputs, record)


def _read_measured(content: bytes, place: str) -> dict[str, dict[str, float]]:
    """Allele, named as in the files of networks, to its peptides and their IC50 (nM), the median of repetitions."""
    found: dict[str, dict[str, list[float]]] = {}
    acids = set(AMINO_ACIDS)
    try:
        for row in csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")):
            peptide = row["peptide"]
            if _SHORTEST <= len(peptide) <= _LONGEST and acids.issuperset(peptide):
                of_allele = found.setdefault(row["mhc"].replace("*", ""), {})
                of_allele.setdefault(peptide, []).append(float(row["IC50(nM)"]))
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise FileError(f"{place}: {_MEASURED} is not the table of measured peptides ({error}).") from None
    return {
        allele: {peptide: float(np.median(values)) for peptide, values in of_allele.items()}
        for allele, of_allele in found.items()
    }


def _test(measured: Mapping[str, float], count: int, number: int) -> _Measured:
    peptides = _draw(sorted(measured), count, number)
    return _Measured(peptides, np.array([measured[peptide] < BINDS for peptide in peptides], dtype=float))


def _draw(peptides: list[str], count: int, number: int) -> list[str]:
    order = np.random.default_rng([_SEED, number]).permutation(len(peptides))
    return [peptides[i] for i in order[:count]]


_BEHAVIOUR = (
    Functionality(
        "auc_profile", "AUC, mean difference over alleles", pairwise=Pairwise("auc", mean_difference, "auc/mean")
    ),
    Functionality(
        "disagreement", "disagreement, binds or not", pairwise=Pairwise("outputs", decisions_differ, "auc/mean")
    ),
    Functionality(
        "decorrelation", "1 - correlation of outputs", pairwise=Pairwise("outputs", decorrelation, "auc/mean")
    ),
)


def _own_allele(name: str, layer: str, what: str) -> Subtask:
    return Subtask(
        id=f"packages/{name}",
        test="accuracy",
        population="packages_mhc",
        varies="allele",
        functionalities=(
            Functionality(
                "auc/own_allele",
                "AUC, allele of the reference",
                pairwise=Pairwise("measured", transfer, "auc/own", symmetric=False),
            ),
        ),
        pairing=Pairing("models", (layer,)),
        modality="peptides",
        description=f"Does {what} tell how much worse networks of other alleles are on the allele of the reference?",
    )


MHC = Source(
    population="packages_mhc",
    description="LSTMs of mhcnuggets for alleles with many measured peptides.",
    package=_PACKAGE,
    recipes=_RECIPES,
    networks=functools.partial(_networks, every=False),
    subtasks=(
        _own_allele("mhc", "lstm", "the last state of an LSTM"),
        _own_allele("mhc_dense", "dense", "the layer before the output"),
    ),
)

MHC_ALL = Source(
    population="packages_mhc_all",
    description="LSTMs of mhcnuggets for all human class I alleles.",
    package=_PACKAGE,
    recipes=_RECIPES,
    networks=functools.partial(_networks, every=True),
    subtasks=(
        Subtask(
            id="packages/mhc_behaviour",
            test="outputs",
            population="packages_mhc_all",
            varies="allele",
            functionalities=_BEHAVIOUR,
            pairing=Pairing("models", ("lstm",)),
            modality="peptides",
            description="Does the last state of an LSTM tell which networks answer differently?",
        ),
    ),
)
