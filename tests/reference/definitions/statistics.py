"""One number for each side."""

import numpy as np
from scipy import special
from scipy.spatial.distance import cdist

from definitions.common import centred, limited


def eigenspace_overlap(X, Y):
    return np.trace(X @ np.linalg.pinv(X) @ Y @ np.linalg.pinv(Y)) / max(X.shape[1], Y.shape[1])


def magnitude_difference(X, Y):
    return abs(np.linalg.norm(X.mean(axis=0)) - np.linalg.norm(Y.mean(axis=0)))


def concentricity_difference(X, Y):
    def concentricity(Z):
        m = Z.mean(axis=0)
        return np.mean([z @ m / (np.linalg.norm(z) * np.linalg.norm(m)) for z in Z])

    return abs(concentricity(X) - concentricity(Y))


@limited(scales=False)
def uniformity_difference(X, Y):
    def uniformity(Z):
        return special.logsumexp(-2 * cdist(Z, Z, "sqeuclidean")) - 2 * np.log(len(Z))

    return abs(uniformity(X) - uniformity(Y))


def norm_difference(X, Y):
    return abs(np.linalg.norm(centred(X)) - np.linalg.norm(centred(Y)))
