"""Kernels and RDMs with those of a confounder regressed out."""

import numpy as np
from scipy import stats

from definitions.common import centred
from definitions.kernels import alignment, gaussian_kernel, hsic_biased, hsic_unbiased
from definitions.rdms import dissimilarities, whitened_cosine


def residual(a, c):
    """What is left of a after the regression on c with an intercept."""
    design = np.column_stack([np.ones(c.size), c.ravel()])
    weights, *_ = np.linalg.lstsq(design, a.ravel(), rcond=None)
    return a - (design @ weights).reshape(a.shape)


def deconfounded_cka(X, Y, Z, kernel="linear", bandwidth=1.0, debiased=False):
    if kernel == "linear":
        K, L, C = (centred(A) @ centred(A).T for A in (X, Y, Z))
    else:
        H = np.eye(len(X)) - 1 / len(X)
        K, L, C = (H @ gaussian_kernel(A, bandwidth) @ H for A in (X, Y, Z))
    if not debiased:
        return alignment(residual(K, C), residual(L, C), hsic_biased)
    K, L = (A - hsic_unbiased(A, C) / hsic_unbiased(C, C) * C for A in (K, L))
    return alignment(K, L, hsic_unbiased)


def deconfounded_rsa(X, Y, Z, rdm="correlation", compare="spearman"):
    a, b, c = (dissimilarities(A, rdm) for A in (X, Y, Z))
    if compare == "kendall":
        a, b, c = (np.sign(np.subtract.outer(v, v)) for v in (a, b, c))
    if compare in ("spearman", "pearson", "kendall"):
        ranked = stats.rankdata if compare == "spearman" else np.asarray
        return np.corrcoef(*(residual(ranked(v), ranked(c)).ravel() for v in (a, b)))[0, 1]
    if compare == "cosine":
        a, b = (v - (v @ c) / (c @ c) * c for v in (a, b))
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    if compare == "whitened_pearson":
        a, b, c = (v - v.mean() for v in (a, b, c))
    n = len(X)
    contrasts = np.array([np.eye(n)[i] - np.eye(n)[j] for i in range(n) for j in range(i + 1, n)])
    weights = np.linalg.inv((contrasts @ contrasts.T) ** 2)
    return whitened_cosine(*(v - (v @ weights @ c) / (c @ weights @ c) * c for v in (a, b)))
