"""Dissimilarity matrices."""

import numpy as np
from scipy import stats
from scipy.spatial.distance import cdist


def dissimilarities(X, rdm):
    def one(a, b):
        if rdm == "correlation":
            return 1 - np.corrcoef(a, b)[0, 1]
        if rdm == "cosine":
            return 1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
        square = ((a - b) ** 2).sum()
        return square if rdm == "squared_euclidean" else np.sqrt(square)

    return np.array([one(X[i], X[j]) for i in range(len(X)) for j in range(i + 1, len(X))])


def rho_a(a, b):
    """Mean over all ways to break ties: ranks of tied entries are then independent, each with their mean rank."""
    n = len(a)

    def mean_ranks(v):
        return np.array([np.sum(v < x) + (np.sum(v == x) + 1) / 2 for x in v])

    return 12 * np.sum(mean_ranks(a) * mean_ranks(b)) / (n**3 - n) - 3 * (n + 1) / (n - 1)


def tau_a(a, b):
    signs = [np.sign(a[i] - a[j]) * np.sign(b[i] - b[j]) for i in range(len(a)) for j in range(i)]
    return np.mean(signs)


def whitened_cosine(a, b):
    """With the covariance of squared distances between inputs with independent noise, as a matrix of all pairs."""
    n = round((1 + np.sqrt(1 + 8 * len(a))) / 2)
    contrasts = np.array([np.eye(n)[i] - np.eye(n)[j] for i in range(n) for j in range(i + 1, n)])
    V = (contrasts @ contrasts.T) ** 2
    left, right = np.linalg.solve(V, a), np.linalg.solve(V, b)
    return a @ right / np.sqrt((a @ left) * (b @ right))


def rsa(X, Y, rdm="correlation", compare="spearman"):
    return compare_rdms(dissimilarities(X, rdm), dissimilarities(Y, rdm), compare)


def compare_rdms(a, b, compare):
    if compare == "cosine":
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    if compare == "whitened_pearson":
        return whitened_cosine(a - a.mean(), b - b.mean())
    if compare in ("rho_a", "tau_a", "whitened_cosine"):
        return {"rho_a": rho_a, "tau_a": tau_a, "whitened_cosine": whitened_cosine}[compare](a, b)
    return {"spearman": stats.spearmanr, "pearson": stats.pearsonr, "kendall": stats.kendalltau}[compare](a, b)[0]


def rsm_norm_difference(X, Y):
    return np.sqrt(((cdist(X, X) - cdist(Y, Y)) ** 2).sum())


def distance_correlation(X, Y):
    def doubly_centred(Z):
        D = cdist(Z, Z)
        return D - D.mean(axis=0) - D.mean(axis=1)[:, None] + D.mean()

    A, B = doubly_centred(X), doubly_centred(Y)
    return np.sqrt((A * B).sum() / np.sqrt((A * A).sum() * (B * B).sum()))
