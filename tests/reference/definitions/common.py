"""Helpers of several definitions, and what to know before running one."""

import numpy as np


def centred(X):
    return X - X.mean(axis=0)


def rank_of(X):
    return np.linalg.matrix_rank(X, tol=1e-9 * np.linalg.norm(X))


def limited(inputs=None, scales=True):
    """Mark a definition that is too slow for more than so many inputs, or that holds at one scale of the data only."""

    def mark(definition):
        definition.inputs, definition.scales = inputs, scales
        return definition

    return mark
