"""An example archive with distances that are drawn at random: grading does not care where they come from."""

from pathlib import Path

import numpy as np
import pandas as pd

from similitude.suites.published.example import ExampleSize

SIZE = ExampleSize(
    width=6,
    tokens=40,
    layers=12,
    medium_layers=2,
    base=8,
    feather=9,
    pretraining=3,
    finetuning=4,
    deleted=(0, 1, 3, 5),
)
COLUMNS = ("PWCCA", "mean_sq_cca_corr", "mean_cca_corr", "CKA", "Procrustes", "CSA")


def rows_of(subtask: str) -> list[tuple]:
    """Pairs of a distance file, in the order of the released one."""
    base = [(s, 2_000_000) for s in range(1, SIZE.base + 1)]
    rows = []
    if subtask == "layer_exp":
        for i, first in enumerate(base):
            for second in base[i:]:
                for layer1 in range(12):
                    for layer2 in range(12):
                        if first != second or layer1 <= layer2:
                            rows.append((first, layer1, second, layer2, 0))
    elif subtask == "pca_deletion":
        rows = [(a, k, b, k, d) for a in base for b in base for k in range(12) for d in SIZE.levels]
    else:
        models = [(s, 0) for s in range(SIZE.feather)]
        if subtask == "pretrain_finetune":
            models = [(p, f) for p in range(1, SIZE.pretraining + 1) for f in range(1, SIZE.finetuning + 1)]
        layers = 12 if subtask == "feather" else SIZE.medium_layers
        rows = [(a, k, b, k, 0) for i, a in enumerate(models) for b in models[i:] for k in range(layers)]
    return rows


def write_random_distances(root: Path, seed: int) -> None:
    architectures = {"feather": "feather", "pretrain_finetune": "medium_finetuned"}
    for number, subtask in enumerate(("layer_exp", "pca_deletion", "feather", "pretrain_finetune")):
        rng = np.random.default_rng([seed, number])
        rows = rows_of(subtask)
        frame = pd.DataFrame(index=range(len(rows)))
        for i, (model, layer) in enumerate(((0, 1), (2, 3)), start=1):
            frame[f"dataset{i}"], frame[f"architecture{i}"] = "mnli_matched_100", architectures.get(subtask, "base")
            frame[f"seed{i}"], frame[f"step{i}"] = [r[model][0] for r in rows], [r[model][1] for r in rows]
            frame[f"layer{i}"] = [r[layer] for r in rows]
        if subtask == "pca_deletion":
            frame["dims_deleted"] = [r[4] for r in rows]
            frame["dims_kept"] = SIZE.width - frame["dims_deleted"]
        for column in COLUMNS[: 6 if subtask == "feather" else 5]:
            # Rounded, so that there are ties.
            frame[column] = np.round(rng.random(len(rows)), 2) + rng.choice([0, 1e-15], len(rows))
        file = root / "dists" / subtask / "dists.csv"
        file.parent.mkdir(parents=True)
        frame.to_csv(file, index=False)
