"""Canonical correlations, and what is made of them."""

import itertools

import numpy as np
from scipy import integrate, linalg

from definitions.common import centred, limited, rank_of


def inverse_root(S):
    values, vectors = np.linalg.eigh(S)
    keep = values > 1e-12 * values.max()
    return (vectors[:, keep] / np.sqrt(values[keep])) @ vectors[:, keep].T


def whitened_cross_covariance(X, Y):
    X, Y = centred(X), centred(Y)
    return inverse_root(X.T @ X) @ (X.T @ Y) @ inverse_root(Y.T @ Y)


def canonical_correlations(X, Y):
    """Cosines of the principal angles between the column spaces, from orthonormal bases."""
    X, Y = centred(X), centred(Y)
    A = linalg.orth(X, rcond=1e-9)
    B = linalg.orth(Y, rcond=1e-9)
    return np.minimum(linalg.svdvals(A.T @ B), 1.0)


def mean_cca(X, Y):
    return canonical_correlations(X, Y).sum() / min(rank_of(centred(X)), rank_of(centred(Y)))


def mean_squared_cca(X, Y):
    return (canonical_correlations(X, Y) ** 2).sum() / min(rank_of(centred(X)), rank_of(centred(Y)))


def mean_cosine(k):
    """Mean of |cos| of the angle between a fixed and a random direction in k dimensions, by quadrature."""
    if k == 1:
        return 1.0
    density = [
        integrate.quad(lambda t, c=c: abs(np.cos(t)) ** c * np.sin(t) ** (k - 2), 0, np.pi / 2)[0] for c in (1, 0)
    ]
    return density[0] / density[1]


def canonical_groups(rho, tolerance):
    """Positions of variates, those with neighbouring correlations no further apart than the tolerance together."""
    groups = [[0]]
    for i in range(1, len(rho)):
        if rho[i - 1] - rho[i] > tolerance:
            groups.append([])
        groups[-1].append(i)
    return groups


def pwcca(X, Y, lost="zero"):
    """Variates as vectors over inputs; weights are means over all rotations of those that are tied at a tolerance,
    and over all tolerances from 1e-6 to 1e-5.
    """
    X, Y = centred(X), centred(Y)
    A, B = linalg.orth(X, rcond=1e-9), linalg.orth(Y, rcond=1e-9)
    u, rho, _ = np.linalg.svd(A.T @ B)
    variates = A @ u
    kept = len(rho)
    rho = np.append(rho, np.zeros(variates.shape[1] - kept))
    weights = np.zeros(len(rho))
    changes = np.unique(np.clip([1e-6, 1e-5, *-np.diff(rho)], 1e-6, 1e-5))
    for low, high in itertools.pairwise(changes):
        for group in canonical_groups(rho, (low + high) / 2):
            projected = variates[:, group] @ variates[:, group].T @ X
            weights[group] += (high - low) * mean_cosine(len(group)) * np.linalg.norm(projected, axis=0).sum()
    return (weights * rho).sum() / (weights if lost == "zero" else weights[:kept]).sum()


def leading(X, variance, components):
    u, s, _ = linalg.svd(centred(X), full_matrices=False)
    if components is None:
        share = 0.0
        for components in range(1, len(s) + 1):
            share += s[components - 1] ** 2 / (s**2).sum()
            if share >= variance:
                break
    return u[:, :components] * s[:components]


def svcca(X, Y, variance=0.99, components=None):
    return mean_cca(leading(X, variance, components), leading(Y, variance, components))


@limited(scales=False)
def gulp(X, Y, ridge=0.0):
    n = len(X)
    X, Y = centred(X), centred(Y)
    A, B, C = X.T @ X / n, Y.T @ Y / n, X.T @ Y / n
    P = np.linalg.inv(A + ridge * np.eye(len(A)))
    Q = np.linalg.inv(B + ridge * np.eye(len(B)))
    return np.trace(P @ A @ P @ A) + np.trace(Q @ B @ Q @ B) - 2 * np.trace(P @ C @ Q @ C.T)
