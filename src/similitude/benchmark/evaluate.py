"""Grading measures on subtasks: from populations to results."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.designs import grading_rows
from similitude.benchmark.grading import GradingData
from similitude.benchmark.protocols import CORRECTED, PROTOCOLS, Protocol, ProtocolName
from similitude.benchmark.questions import Monotonicity, Question, RankCorrelation, Separation
from similitude.benchmark.results import COLUMNS, Results
from similitude.benchmark.statistics.assessed import Assessed, assessed
from similitude.benchmark.statistics.comparisons import holm
from similitude.benchmark.statistics.correlation import every_pair, grade, reference_pairs
from similitude.benchmark.statistics.monotonicity import assess_monotonicity
from similitude.benchmark.statistics.separation import assess_separation
from similitude.benchmark.subtask import Subtask
from similitude.engine.compute import Progress, score_pairs
from similitude.engine.ledger import Ledger
from similitude.errors import UnknownName
from similitude.factors.memory import MEMORY
from similitude.linalg.threads import limit_threads
from similitude.measures import Measure, get_measures
from similitude.representations import Population
from similitude.result import Result

__all__ = ["Evaluation", "assess_question", "combine", "evaluate"]

_GRADED = ["measure", "statistic", "estimate", "p", "ci_low", "ci_high", "n_models", "n_pairs", "n_failed"]
"""Columns of grades without verdicts."""


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """Grades, and all that they were computed from.

    Parameters
    ----------
    results
        The grades.
    pairs
        One row per pair that was correlated: suite, subtask, functionality, group (empty unless models are compared
        within groups), reference_layer, reference, model, layer, deleted, itself, difference (in functionality), and
        the dissimilarity by each measure.
    grading
        (subtask id, functionality name) to scores and dissimilarities for every reference.
    differences
        Is one measure better than another? One row per subtask, functionality, statistic and pair of measures, with
        the columns of `similitude.benchmark.statistics.assess.Assessment.differences`.
    failures
        subtask, measure, first, second, reason.
    computed, reused
        Values computed now and found in the ledger.
    """

    results: Results
    pairs: pd.DataFrame
    grading: dict[tuple[str, str], GradingData]
    differences: pd.DataFrame
    failures: pd.DataFrame
    computed: int
    reused: int

    def to_frame(self) -> pd.DataFrame:
        """Return the frame of the grades."""
        return self.results.frame


def evaluate(
    subtasks: Sequence[Subtask],
    populations: Mapping[str, Population],
    measures: str | Measure | Iterable[str | Measure] | None,
    *,
    protocol: ProtocolName = "corrected",
    ledger: Ledger | None = None,
    progress: Callable[[str], Progress] | None = None,
    provenance: dict | None = None,
    version: str = "",
    resamples: int = 2000,
    tests: int | None = None,
    cache: Path | None = None,
    memory: int = MEMORY,
    executor: str = "threads",
) -> Evaluation:
    """Grade measures.

    Parameters
    ----------
    subtasks
        What to grade on.
    populations
        Name to population, for every subtask's.
    measures
        What to grade; ids, measures, or None for the default ones.
    protocol
        Name of the rules that grades follow, see `similitude.benchmark.protocols`.
    ledger
        Where finished values are kept.
    progress
        Called with a subtask's id; returns what is called as its pairs are finished.
    provenance
        Kept with the results.
    version
        Version of the software, kept in every row.
    resamples
        Of models, for intervals; permutations for p-values are one fewer. By the corrected protocol only: the published
        p-values are those of the correlations, and have no intervals.
    tests
        Number of tests that p-values will be adjusted for, where this is a part of what is evaluated (see `combine`);
        by default as many as there are rows.
    cache
        Folder in which statistics are kept, so that they are not resampled again for the same data.
    memory, executor
        See `similitude.engine.compute.score_pairs`.

    Examples
    --------
    >>> import similitude, tempfile, pathlib
    >>> suite = similitude.suites.SUITES["synthetic"]
    >>> with tempfile.TemporaryDirectory() as home:
    ...     site = similitude.Site(pathlib.Path(home), scale="quick")
    ...     suite.build(site)
    ...     evaluation = evaluate(suite.subtasks()[:1], suite.populations(site), "cka", resamples=20)
    >>> float(evaluation.results.table().loc[("synthetic/angle", "follows"), "cka"].round(9))
    1.0
    """
    rules = PROTOCOLS[protocol]
    measures = get_measures(measures)
    grading: dict[tuple[str, str], GradingData] = {}
    rows: list[pd.DataFrame] = []
    tables: list[pd.DataFrame] = []
    differences: list[pd.DataFrame] = []
    leave_one_out: list[pd.DataFrame] = []
    described: list[dict[str, Any]] = []
    failures: list[tuple] = []
    if tests is None:
        tests = len(measures) * sum(len(subtask.functionalities) for subtask in subtasks)
    order = {str(measure): i for i, measure in enumerate(measures)}
    computed = reused = 0
    for subtask in subtasks:
        if subtask.population not in populations:
            raise UnknownName(f"{subtask.id} needs the population {subtask.population!r}, which was not given.")
        population = subtask.select(populations[subtask.population])
        inputs = population.representation(population.models[0], population.layers[0]).n
        # Functionalities of a subtask share their dissimilarities unless they are scored at other deletion levels.
        shared: dict[tuple, tuple[dict[str, np.ndarray], dict[str, float], str]] = {}
        for name, label, difference, data in grading_rows(subtask, population):
            if data.variants not in shared:
                indices, pairs = data.pairs(population)
                tell = progress(subtask.id) if progress else None
                scored = score_pairs(pairs, measures, ledger=ledger, progress=tell, memory=memory, executor=executor)
                computed, reused = computed + scored.computed, reused + scored.reused
                failures += [
                    (subtask.id, m, pairs[i][0].key, pairs[i][1].key, reason) for i, m, reason in scored.failures
                ]
                shape = (*data.reference_score.shape, *data.score.shape[1:])
                tensors = {}
                for j, measure in enumerate(measures):
                    tensor = np.full(shape, np.nan)
                    tensor[tuple(np.transpose(indices))] = measure.dissimilarity(scored.values[:, j])
                    tensors[str(measure)] = tensor
                shared[data.variants] = tensors, scored.seconds, _data_hash(pairs)
            tensors, seconds, data_hash = shared[data.variants]
            data = dataclasses.replace(data, dissimilarity=tensors)
            grading[subtask.id, name] = data
            tables.append(pairs_table(subtask, name, data, rules))
            labels = {"subtask": subtask.id, "functionality": name}
            described.append(
                labels
                | {
                    "label": label,
                    "difference": difference,
                    "test": subtask.test,
                    "modality": subtask.modality,
                    "varies": subtask.varies,
                    "description": subtask.description,
                    "n_inputs": inputs,
                }
            )
            if isinstance(subtask.question, RankCorrelation) and rules is not CORRECTED:
                found = _graded(data, rules)
            else:
                found, compared, without = assess_question(subtask.question, data, resamples, tests, cache)
                found = found if rules is CORRECTED else found.reindex(columns=[*_GRADED, "chance", "violation"])
                differences.append(compared.assign(**labels))
                leave_one_out.append(without.assign(population=subtask.population, **labels))
            found = found.assign(suite=subtask.suite, version=version, data_hash=data_hash, **labels)
            found = found.sort_values("measure", key=lambda names: names.map(order), kind="stable", ignore_index=True)
            rows.append(found.assign(seconds=found["measure"].map(seconds)))
    frame = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(COLUMNS))
    frame = frame.reindex(columns=[*COLUMNS, *(column for column in frame.columns if column not in COLUMNS)])
    without = pd.concat(leave_one_out, ignore_index=True) if leave_one_out else None
    return Evaluation(
        Results(
            _adjusted(frame),
            {"protocol": protocol, "resamples": resamples, **(provenance or {})},
            without,
            pd.DataFrame(described),
        ),
        _stacked(tables),
        grading,
        _stacked(differences),
        pd.DataFrame(failures, columns=["subtask", "measure", "first", "second", "reason"]),
        computed,
        reused,
    )


def combine(evaluations: Sequence[Evaluation], provenance: dict | None = None) -> Evaluation:
    """Put evaluations of different subtasks together, with p-values adjusted for all of them.

    Parameters
    ----------
    evaluations
        At least one, all of the same measures by the same protocol.
    provenance
        Kept with the results, over what the first evaluation holds.
    """
    results = [evaluation.results for evaluation in evaluations]
    without = [found.leave_one_out for found in results if found.leave_one_out is not None]
    gates = [found.gates for found in results if found.gates is not None]
    return Evaluation(
        Results(
            _adjusted(pd.concat([found.frame for found in results], ignore_index=True)),
            {**results[0].provenance, **(provenance or {})},
            pd.concat(without, ignore_index=True) if without else None,
            _stacked([found.functionalities for found in results if found.functionalities is not None]),
            _stacked(gates) if gates else None,
        ),
        _stacked([evaluation.pairs for evaluation in evaluations]),
        {key: data for evaluation in evaluations for key, data in evaluation.grading.items()},
        _stacked([evaluation.differences for evaluation in evaluations]),
        _stacked([evaluation.failures for evaluation in evaluations]),
        sum(evaluation.computed for evaluation in evaluations),
        sum(evaluation.reused for evaluation in evaluations),
    )


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    return frames[0] if frames else pd.DataFrame()


def _adjusted(frame: pd.DataFrame) -> pd.DataFrame:
    """Add p-values adjusted over all rows of their statistic to results that hold verdicts."""
    if frame.empty or "every" not in frame:
        return frame
    adjusted = pd.Series(np.nan, frame.index)
    for statistic in ("spearman", "separation"):
        tested = frame["statistic"] == statistic
        adjusted[tested] = holm(frame.loc[tested, "p"].to_numpy(dtype=float))
    return frame.assign(p_holm=adjusted)


def assess_question(
    question: Question, data: GradingData, resamples: int = 2000, tests: int = 1, cache: Path | None = None
) -> Assessed:
    """Compute the statistics that answer a question.

    Parameters
    ----------
    question
        What is asked.
    data
        Scores and dissimilarities, arranged for it (see `similitude.benchmark.designs.grading_rows`).
    resamples, tests, cache
        See `similitude.benchmark.statistics.assessed.assessed`; they matter to `RankCorrelation` only.
    """
    with limit_threads():  # products are small: threads that wait for a busy core lose far more than they gain
        if isinstance(question, Separation):
            return assess_separation(data)
        if isinstance(question, Monotonicity):
            return assess_monotonicity(data)
        return assessed(data, resamples, tests, cache)


def _graded(data: GradingData, protocol: Protocol) -> pd.DataFrame:
    """Grades without intervals: averages over reference layers, p-values of the correlations themselves."""
    models = sum(len(block) for block in data.blocks.values())
    rows = [
        {"measure": measure, "n_models": models, **record}
        for measure in data.dissimilarity
        for record in grade(data, measure, protocol).records()
    ]
    return pd.DataFrame(rows)


def pairs_table(subtask: Subtask, functionality: str, data: GradingData, protocol: Protocol) -> pd.DataFrame:
    """The pairs behind a row of the results, from which its estimates can be computed again."""
    frames = []
    correlated = isinstance(subtask.question, RankCorrelation)
    for rows in reference_pairs(data, protocol) if correlated else every_pair(data):
        variants = [data.variants[rows.layer][v] for v in rows.variants]
        frame = pd.DataFrame(
            {
                "suite": subtask.suite,
                "subtask": subtask.id,
                "functionality": functionality,
                "group": rows.group,
                "reference_layer": data.layers[rows.layer],
                "reference": data.models[rows.reference],
                "model": [data.models[m] for m in rows.models],
                "layer": [v.layer for v in variants],
                "deleted": [v.deleted for v in variants],
                "itself": rows.itself,
                "difference": rows.difference,
            }
        )
        for measure, values in data.dissimilarity.items():
            frame[measure] = values[rows.layer, rows.reference, rows.models, rows.variants]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _data_hash(pairs: Sequence) -> str:
    hashes = sorted({r.content_hash for pair in pairs for r in pair})
    return hashlib.blake2b("".join(hashes).encode(), digest_size=8).hexdigest()
