"""Features matched to features."""

import itertools
from fractions import Fraction

import numpy as np
from scipy import optimize

from definitions.common import centred


def feature_correlations(X, Y):
    return np.array([[np.corrcoef(x, y)[0, 1] for y in Y.T] for x in X.T])


def hard_correlation_match(X, Y):
    C = feature_correlations(X, Y)
    C = C if C.shape[0] <= C.shape[1] else C.T
    rows = range(C.shape[0])
    return max(np.mean([C[i, p[i]] for i in rows]) for p in itertools.permutations(range(C.shape[1]), C.shape[0]))


def soft_correlation_match(X, Y):
    C = feature_correlations(X, Y)
    return (C.max(axis=1).mean() + C.max(axis=0).mean()) / 2


def partial_soft_matching(X, Y, mass=0.5):
    """Transport as an assignment of equal crumbs of mass, of which some are given to nobody."""
    C = feature_correlations(X, Y)
    part = Fraction(mass).limit_denominator(100)
    crumbs = np.lcm(np.lcm(*C.shape), part.denominator)
    C = np.repeat(np.repeat(C, crumbs // C.shape[0], axis=0), crumbs // C.shape[1], axis=1)
    left = crumbs - int(part * int(crumbs))
    gains = np.block([[C, np.zeros((crumbs, left))], [np.zeros((left, crumbs)), np.full((left, left), -1e6)]])
    i, j = optimize.linear_sum_assignment(gains, maximize=True)
    return gains[i, j].sum() / (crumbs - left)


def soft_matching(X, Y):
    """Transport of uniform masses, as an assignment of equal crumbs of mass."""
    X, Y = centred(X), centred(Y)
    crumbs = np.lcm(X.shape[1], Y.shape[1])
    X, Y = (np.repeat(Z, crumbs // Z.shape[1], axis=1) for Z in (X, Y))
    cost = np.array([[((x - y) ** 2).sum() for y in Y.T] for x in X.T])
    return np.sqrt(cost[optimize.linear_sum_assignment(cost)].sum() / crumbs)
