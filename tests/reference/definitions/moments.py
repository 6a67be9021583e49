"""Procrustes distance from moments of the singular values."""

import math

import numpy as np
from scipy import optimize

from definitions.common import centred


def mean_over_ascending(K, L, p):
    """Mean over i_1 < ... < i_2p of K[i_1, i_2] L[i_2, i_3] K[i_3, i_4] ... L[i_2p, i_1]."""
    n, total = len(K), 0.0
    for first in range(n):
        ends = {first: 1.0}  # sums over all chains, by their last input
        for step in range(2 * p - 1):
            kernel, longer = (K, L)[step % 2], dict.fromkeys(range(n), 0.0)
            for i, value in ends.items():
                for j in range(i + 1, n):
                    longer[j] += value * kernel[i, j]
            ends = longer
        total += sum(value * L[last, first] for last, value in ends.items())
    return total / math.comb(n, 2 * p)


def u_centred(K):
    n = len(K)
    K = np.where(np.eye(n, dtype=bool), 0, K)
    rows, total = K.sum(axis=1), K.sum()
    centred = K - rows[:, None] / (n - 2) - rows / (n - 2) + total / ((n - 1) * (n - 2))
    return np.where(np.eye(n, dtype=bool), 0, centred)


def debiased_procrustes(X, Y, weight=1.0, moments=8):
    n = len(X)
    order = np.random.default_rng(0).permutation(n)
    X, Y = (centred(A)[order] / np.sqrt(np.trace(np.cov(A.T))) for A in (X, Y))
    K, L = u_centred(X @ X.T), u_centred(Y @ Y.T)
    s = np.linalg.norm(X.T @ Y / (n - 1), ord=2)
    powers = range(1, min(moments, n // 2) + 1)
    squares = [np.mean(A[~np.eye(n, dtype=bool)] ** 2) for A in (K, L)]
    noise = [np.sqrt(np.prod(squares) ** p / math.comb(n, 2 * p)) / s ** (2 * p) for p in powers]
    t = np.sin(np.linspace(0, np.pi / 2, 200)) ** 2
    P = np.array([t**p for p in powers]).T
    # Variables: |c_p| of positive and of negative coefficients, and the largest error of the polynomial.
    A = np.vstack([np.hstack([sign * P, -sign * P, -np.ones((200, 1))]) for sign in (1, -1)])
    costs = np.clip(np.array(noise) / (weight * np.linalg.matrix_rank(X.T @ Y, rtol=1e-6)), 1e-6, 1e6)
    solution = optimize.linprog([*costs, *costs, 1], A_ub=A, b_ub=np.concatenate([np.sqrt(t), -np.sqrt(t)]))
    c = solution.x[: len(P.T)] - solution.x[len(P.T) : -1]
    m = [(mean_over_ascending(K, L, p) + mean_over_ascending(L, K, p)) / 2 / s ** (2 * p) for p in powers]
    m = np.array(m) * (n - 1) / (n - 3)
    return 2 - 2 * s * (c @ m)
