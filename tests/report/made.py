"""Results made up for tests of how they are shown: what a run by the corrected protocol has."""

import numpy as np
import pandas as pd

from similitude.benchmark.results import Results

DEFAULT = ("procrustes", "cka", "pwcca", "mean_cca", "mean_squared_cca", "norm_difference", "random")
ROWS = (
    ("vision/seed_layer", "probe"),
    ("vision/ood", "accuracy/noise"),
    ("vision/ood", "accuracy/salt_and_pepper"),
    ("vision/ood", "accuracy/blur"),
    ("language/pretrain_finetune_ood", "accuracy/antonymy"),
    ("language/behaviour", "calibration_error/lexical_overlap/non_entailed"),
)


def made_results(measures=DEFAULT, rows=ROWS, *, signal=0.5, models=40, seed=0, failed=(), **provenance):
    """Rows of falling signal: the first is tracked by all but the last measure, the last by none.

    `failed` names (row number, measure) pairs that have no value.
    """
    rng = np.random.default_rng(seed)
    records = []
    for i, (subtask, functionality) in enumerate(rows):
        strength = signal * (1 - i / max(1, len(rows) - 1))
        every = {m: strength * (1 - k / max(1, len(measures))) + rng.normal(0, 0.03) for k, m in enumerate(measures)}
        best = max(every.values())
        shown = {m: np.nan if (i, m) in failed else value for m, value in every.items()}
        leading = {m: value > best - 0.12 for m, value in shown.items()}
        for k, (measure, value) in enumerate(shown.items()):
            for statistic, factor in (("spearman", 1.0), ("kendall", 0.7)):
                estimate = value * factor + (0.1 * rng.normal() if factor == 1 else 0)
                records.append(
                    {
                        "suite": subtask.partition("/")[0], "subtask": subtask, "functionality": functionality,
                        "measure": measure, "statistic": statistic, "estimate": estimate, "p": 0.01,
                        "ci_low": estimate - 0.3, "ci_high": estimate + 0.3, "n_models": models,
                        "n_pairs": models - 1, "n_failed": 3 * ((i, measure) in failed), "seconds": 0.5,
                        "version": "0", "data_hash": "abc", "every": value * factor,
                        "every_low": value * factor - 0.1, "every_high": value * factor + 0.1, "every_p": 0.01,
                        "p_holm": 0.05, "rank": k + 1.0, "rank_low": 1.0, "rank_high": float(len(measures)),
                        "equivalent": "", "bad_frac": 0.05, "within": 0.2 if factor == 1 else np.nan,
                        "within_p": 0.03 if factor == 1 else np.nan,
                        "tells": bool(value * factor > 0.1), "leading": bool(leading[measure]),
                        "apart": not all(leading.values()), "every_rank": k + 1.0, "n_groups": 0,
                    }
                )  # fmt: skip
    return Results(pd.DataFrame(records), {"protocol": "corrected", "resamples": 2000, **provenance})
