"""Kernel alignment."""

import numpy as np

from definitions.common import centred


def hsic_biased(K, L):
    n = len(K)
    H = np.eye(n) - np.ones((n, n)) / n
    return np.trace(K @ H @ L @ H)


def hsic_unbiased(K, L):
    """Song et al. 2007, for kernels that are not symmetric the mean of both orders."""
    n = len(K)
    K, L = K.copy(), L.copy()
    np.fill_diagonal(K, 0)
    np.fill_diagonal(L, 0)
    one = np.ones(n)
    products = (one @ K @ L @ one + one @ L @ K @ one) / 2
    mean = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    return (np.trace(K @ L) + mean - 2 / (n - 2) * products) / (n * (n - 3))


def alignment(K, L, hsic):
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def gaussian_kernel(X, bandwidth):
    n = len(X)
    D = np.array([[np.sqrt(((X[i] - X[j]) ** 2).sum()) for j in range(n)] for i in range(n)])
    width = bandwidth * np.median([D[i, j] for i in range(n) for j in range(i)])
    return np.exp(-(D**2) / (2 * width**2))


def cka(X, Y, debiased=False, kernel="linear", bandwidth=1.0):
    if kernel == "linear":
        K, L = centred(X) @ centred(X).T, centred(Y) @ centred(Y).T
    else:
        K, L = gaussian_kernel(X, bandwidth), gaussian_kernel(Y, bandwidth)
    return alignment(K, L, hsic_unbiased if debiased else hsic_biased)


def multiscale_cka(X, Y, smallest=0.05, largest=10.0, steps=10):
    ratio = (largest / smallest) ** (1 / (steps - 1))
    return np.mean([cka(X, Y, kernel="rbf", bandwidth=smallest * ratio**i) for i in range(steps)])


def sampled_cka(X, Y):
    """Means of the unbiased HSIC of pairs of features, on one side of different ones."""

    def mean_hsic(A, B, same):
        pairs = [(a, b) for i, a in enumerate(A.T) for j, b in enumerate(B.T) if not (same and i == j)]
        return np.mean([hsic_unbiased(np.outer(a, a), np.outer(b, b)) for a, b in pairs])

    X, Y = centred(X), centred(Y)
    own_x, own_y = mean_hsic(X, X, True), mean_hsic(Y, Y, True)
    return mean_hsic(X, Y, False) / np.sqrt(own_x * own_y) if own_x > 0 and own_y > 0 else np.nan
