"""The published benchmark again, slowly and apart from the package: rows are filtered, loops are plain."""

import pickle
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

SIMILARITIES = {"mean_cca_corr", "mean_sq_cca_corr"}
IDS = {
    "Procrustes": "procrustes",
    "CKA": "cka",
    "PWCCA": "pwcca",
    "mean_cca_corr": "mean_cca",
    "mean_sq_cca_corr": "mean_squared_cca",
    "CSA": "CSA",
}


def one_sided(result):
    correlation, p = result[0], result[1]
    return correlation, p / 2 if correlation > 0 else 1 - p / 2


def correlate(frame, column, digits):
    x, y = frame[column].to_numpy(), frame["diff"].to_numpy()
    x = 1 - x if column in SIMILARITIES else x
    if digits is not None:
        x, y = np.round(x, digits), np.round(y, digits)
    return (*one_sided(stats.spearmanr(x, y)), *one_sided(stats.kendalltau(x, y)))


def load_scores(root: Path, subtask: str):
    name = "scores.csv" if subtask == "feather" else "scores.pkl"
    file = root / "scores" / subtask / name
    return pd.read_csv(file) if subtask == "feather" else pickle.loads(file.read_bytes())


def score_function(root: Path, subtask: str, task: str):
    """Function of (seed, step, layer, deleted), and the models in order."""
    scores = load_scores(root, subtask)
    if subtask == "layer_exp":
        of_task = scores[task]
        return (lambda s, f, k, d: np.mean(of_task[s][k + 1][0][0])), [(s, 2_000_000) for s in sorted(of_task)]
    if subtask == "pca_deletion":
        of_task = scores[task]
        models = [(s, 2_000_000) for s in sorted(of_task) if s <= 7]
        return (lambda s, f, k, d: np.mean(of_task[s][k + 1][d])), models
    if subtask == "feather":
        column = {"lex_nonent": "Lexical (nonent)", "mnli_dev_acc": "MNLI dev acc."}[task]
        return (lambda s, f, k, d: scores.iloc[s][column]), [(s, 0) for s in range(len(scores))]
    correct, examples = scores
    rows = [i for i, e in enumerate(examples) if e["guid"].split("-")[0] == task]
    models = [(p, f) for p in sorted(correct) for f in sorted(correct[p])]
    return (lambda s, f, k, d: np.mean(correct[s][f][rows])), models


def needed(root: Path, subtask: str, task: str, layer: int, corrected: bool):
    """Rows (first side, second side, deleted) with their difference, as the protocol says."""
    score, models = score_function(root, subtask, task)
    best = max(models, key=lambda m: score(*m, layer, 0))
    if subtask == "pretrain_finetune" and not corrected:
        values = np.array([score(*m, layer, 0) for m in models])
        best = models[np.argsort(values)[-1]]
        best = (best[0] - 1, best[1] - 1)
        if best not in models:
            return []
    scores = load_scores(root, subtask)
    rows = []
    if subtask == "pca_deletion":
        levels = sorted(scores[task][1][layer + 1])
        for m, k in product(models, levels):
            rows.append((best, layer, m, layer, k))
            if not corrected and m != best:
                rows.append((m, layer, best, layer, k))
    else:
        layers = [k - 1 for k in sorted(scores[task][1])] if subtask == "layer_exp" else [layer]
        for m, k in product(models, layers):
            first, second = (best, layer), (m, k)
            if not corrected and second < first:
                first, second = second, first
            rows.append((*first, *second, 0))
    if corrected:
        rows = [row for row in rows if not (row[0] == row[2] and row[1] == row[3] and row[4] == 0)]
    return [(*row, abs(score(*row[0], row[1], 0) - score(*row[2], row[3], row[4]))) for row in rows]


def grade(root: Path, subtask: str, task: str, layers, value, column: str, corrected: bool):
    """Mean over layers of (rho, p, tau, p); `value` maps a row to what the column holds."""
    found = []
    for layer in layers:
        rows = needed(root, subtask, task, layer, corrected)
        frame = pd.DataFrame({column: [value(row[:5], column) for row in rows], "diff": [row[5] for row in rows]})
        found.append(correlate(frame, column, 12 if corrected else None))
    return np.mean(found, axis=0)


class Stored:
    """Values of a distance file, either way round where the sides may be exchanged."""

    def __init__(self, root: Path, subtask: str):
        frame = pd.read_csv(root / "dists" / subtask / "dists.csv")
        self.truncated = subtask == "pca_deletion"
        deleted = frame["dims_deleted"] if self.truncated else [0] * len(frame)
        self.rows = {}
        for record, k in zip(frame.to_dict("records"), deleted, strict=True):
            sides = [((record[f"seed{i}"], record[f"step{i}"]), record[f"layer{i}"]) for i in (1, 2)]
            self.rows[*sides[0], *sides[1], k] = record

    def __call__(self, row, column):
        turned = (row[2], row[3], row[0], row[1], row[4])
        return self.rows[row if row in self.rows or self.truncated else turned][column]


class Computed:
    """Values by the published formulas, from the embeddings; features x tokens, as they are stored."""

    def __init__(self, root: Path, architecture: str):
        self.root, self.architecture = root, architecture

    def load(self, model, layer):
        path = f"embeddings/mnli_matched_100/{self.architecture}/{model[0]}/{model[1]}/{layer}/rep.npy"
        values = np.load(self.root / path)
        return values - values.mean(axis=1, keepdims=True)

    def __call__(self, row, column):
        first, second = self.load(row[0], row[1]), self.load(row[2], row[3])
        if row[4]:
            u = np.linalg.svd(second, full_matrices=False)[0]
            second = u[:, : len(second) - row[4]].T @ second
        return formula(column, first / np.linalg.norm(first), second / np.linalg.norm(second))


def inverse_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ np.diag(1 / np.sqrt(values)) @ vectors.T


def formula(column, a, b):
    if column == "CKA":
        return 1 - np.sum((a @ b.T) ** 2) / (np.linalg.norm(a @ a.T) * np.linalg.norm(b @ b.T))
    if column == "Procrustes":
        return 2 - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
    whitener = inverse_root(a @ a.T)
    u, rho, _ = np.linalg.svd(whitener @ a @ b.T @ inverse_root(b @ b.T))
    if column == "mean_cca_corr":
        return rho.mean()
    if column == "mean_sq_cca_corr":
        return (rho**2).mean()
    weights = np.abs((u.T @ whitener @ a) @ a.T).sum(axis=1)
    weights /= weights.sum()
    return 1 - weights[: len(rho)] @ rho
