"""The measures as their papers write them, for one pair, in plain NumPy: what the engine is timed against."""

from __future__ import annotations

import numpy as np


def cka(x: np.ndarray, y: np.ndarray) -> float:
    """Kornblith et al. 2019."""
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def debiased_cka(x: np.ndarray, y: np.ndarray) -> float:
    """With the unbiased HSIC of Song et al. 2007, from centred kernels."""
    n = len(x)

    def hsic(k: np.ndarray, l: np.ndarray) -> float:  # noqa: E741
        k, l = (m - np.diag(np.diag(m)) for m in (k, l))  # noqa: E741
        total = np.vdot(k, l) + k.sum() * l.sum() / ((n - 1) * (n - 2)) - 2 * k.sum(0) @ l.sum(0) / (n - 2)
        return total / (n * (n - 3))

    k, l = ((m - m.mean(0)) @ (m - m.mean(0)).T for m in (x, y))  # noqa: E741
    return hsic(k, l) / (hsic(k, k) * hsic(l, l)) ** 0.5


def procrustes(x: np.ndarray, y: np.ndarray) -> float:
    """Ding et al. 2021."""
    x, y = x - x.mean(0), y - y.mean(0)
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    return 2 - 2 * np.linalg.norm(x.T @ y, "nuc")


def cca(x: np.ndarray, y: np.ndarray, weighted: bool) -> tuple[float, float]:
    """Mean CCA, and PWCCA if asked for: from covariances and their inverse roots (Raghu 2017, Morcos 2018)."""
    n = len(x)
    x, y = x - x.mean(0), y - y.mean(0)
    inverse_x, inverse_y = inverse_root(x.T @ x / n), inverse_root(y.T @ y / n)
    u, rho, _ = np.linalg.svd(inverse_x @ (x.T @ y / n) @ inverse_y, full_matrices=True)
    k = min(x.shape[1], y.shape[1])
    if not weighted:
        return rho[:k].mean(), np.nan
    variates = x @ (inverse_x @ u)
    weights = np.abs(variates.T @ x).sum(1)
    return rho[:k].mean(), (weights[:k] * rho[:k]).sum() / weights.sum()


def inverse_root(covariance: np.ndarray) -> np.ndarray:
    """C^(-1/2), symmetric."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors / np.sqrt(np.maximum(values, 1e-30))) @ vectors.T


def linear_family(x: np.ndarray, y: np.ndarray, weighted: bool = False) -> list[float]:
    """CKA, mean CCA, Procrustes and, if asked for, PWCCA."""
    mean, pwcca = cca(x, y, weighted)
    return [cka(x, y), mean, procrustes(x, y)] + [pwcca] * weighted
