"""Distances after the best rotation, permutation or whitening."""

import itertools

import numpy as np
from scipy import linalg

from definitions.canonical import inverse_root
from definitions.common import centred, limited


def pad(X, Y):
    d = max(X.shape[1], Y.shape[1])
    return [np.pad(A, ((0, 0), (0, d - A.shape[1]))) for A in (X, Y)]


def best_rotation_distance(X, Y):
    X, Y = pad(X, Y)
    R, _ = linalg.orthogonal_procrustes(X, Y)
    return np.linalg.norm(X @ R - Y)


def normalised(X):
    return centred(X) / np.linalg.norm(centred(X))


def procrustes(X, Y):
    return best_rotation_distance(normalised(X), normalised(Y)) ** 2


def orthogonal_procrustes(X, Y):
    return best_rotation_distance(normalised(X), normalised(Y))


def nbs(X, Y):
    X, Y = pad(normalised(X), normalised(Y))
    R, _ = linalg.orthogonal_procrustes(X, Y)
    return ((X @ R) * Y).sum()


def angular_procrustes(X, Y):
    return np.arccos(nbs(X, Y))


def procrustes_size_and_shape(X, Y):
    return best_rotation_distance(centred(X), centred(Y))


def partly_whitened(X, alpha):
    X = centred(X)
    Z = alpha * np.eye(X.shape[1]) + (1 - alpha) * inverse_root(X.T @ X)
    return X @ Z * np.linalg.norm(X) / np.linalg.norm(X @ Z)


@limited(scales=False)
def shape_metric(X, Y, alpha=1.0, angular=True):
    X, Y = partly_whitened(X, alpha), partly_whitened(Y, alpha)
    return angular_procrustes(X, Y) if angular else best_rotation_distance(X, Y)


def permutation_procrustes(X, Y):
    X, Y = pad(X, Y)
    return min(np.linalg.norm(X - Y[:, p]) for p in map(list, itertools.permutations(range(Y.shape[1]))))


def aligned_cosine(X, Y):
    X, Y = pad(X, Y)
    R, _ = linalg.orthogonal_procrustes(X, Y)
    return np.mean([x @ y / (np.linalg.norm(x) * np.linalg.norm(y)) for x, y in zip(X @ R, Y, strict=True)])
