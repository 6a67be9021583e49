"""Nearest neighbours."""

import numpy as np

from definitions.kernels import hsic_biased, hsic_unbiased


def cosines(X):
    return np.array([[a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for b in X] for a in X])


def neighbour_lists(S, k):
    """The k indices with the largest similarity to each i, without i itself, nearest first."""
    return [
        sorted((j for j in range(len(S)) if j != i), key=lambda j: (-round(S[i, j], 12), j))[:k] for i in range(len(S))
    ]


def jaccard(X, Y, k=10):
    pairs = zip(neighbour_lists(cosines(X), k), neighbour_lists(cosines(Y), k), strict=True)
    return np.mean([len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in pairs])


def mutual_knn(X, Y, k=10):
    pairs = zip(neighbour_lists(cosines(X), k), neighbour_lists(cosines(Y), k), strict=True)
    return np.mean([len(set(a) & set(b)) / k for a, b in pairs])


def second_order_cosine(X, Y, k=10, of="distance"):
    S, T = cosines(X), cosines(Y)
    found = []
    for i, (a, b) in enumerate(zip(neighbour_lists(S, k), neighbour_lists(T, k), strict=True)):
        union = sorted(set(a) | set(b))
        u, v = S[i, union], T[i, union]
        if of == "distance":
            u, v = 1 - u, 1 - v
        found.append(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))
    return np.mean(found)


def rank_similarity(X, Y, k=10):
    found = []
    for a, b in zip(neighbour_lists(cosines(X), k), neighbour_lists(cosines(Y), k), strict=True):
        common = set(a) & set(b)
        total = 0.0
        for j in common:
            r, s = a.index(j) + 1, b.index(j) + 1
            total += 2 / ((1 + abs(r - s)) * (r + s))
        harmonic = sum(1 / i for i in range(1, len(common) + 1))
        found.append(total / harmonic if common else 0.0)
    return np.mean(found)


def cknna(X, Y, k=10, debiased=True):
    def mask(K):
        found = np.zeros_like(K)
        for i in range(len(K)):
            others = [j for j in range(len(K)) if j != i or not debiased]
            scale = np.abs(K).max()
            for j in sorted(others, key=lambda j: (-round(K[i, j] / scale, 12), j))[:k]:
                found[i, j] = 1
        return found

    def restricted(K, L):
        both = mask(K) * mask(L)
        return (hsic_unbiased if debiased else hsic_biased)(both * K, both * L)

    K, L = X @ X.T, Y @ Y.T
    return restricted(K, L) / np.sqrt(restricted(K, K) * restricted(L, L))
