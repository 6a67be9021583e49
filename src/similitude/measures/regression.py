"""How well one representation is predicted linearly from another."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from similitude.errors import MeasureError
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import Overlap, check_rank
from similitude.factors.linear import ThinSVD
from similitude.factors.pair import Pair, as_numpy
from similitude.linalg.influence import Influence
from similitude.linalg.scale import scaled
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.maps import Maps, centred_sides, prediction, principal
from similitude.measures.parameters import parameter

__all__ = ["LinearRegression", "RidgeRegression"]

_ROUNDS = 1e-6
"""Penalty, relative to the largest eigenvalue, below which eigenvalues are not exact enough: they may be wrong by some
1e-16 of the largest."""


@dataclass(frozen=True)
class LinearRegression(Measure):
    """Share of the first representation's variance that a linear map of the second explains, in sample."""

    name = "linear_regression"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=False,
        invariances=invariant("OST", "LT"),
        reference="Kornblith et al. 2019, arXiv:1905.00414",
        formula="||Q'X||_F^2 / ||X||_F^2, Q an orthonormal basis of Y, columns centred",
        needs="the second side's rank below n - 1",
        cost="d^2",
        caution="In sample, so it tends to 1 as the second side's width nears n; ridge_regression is cross-validated.",
        differentiable=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Principal directions and their overlap."""
        return (ThinSVD(), Overlap())

    def score(self, pair: Pair) -> Any:
        """Each principal direction of the first side counts by its variance."""
        check_rank(pair.y, pair.y[ThinSVD()].rank, pair.n)
        xp, overlap, variances = pair.xp, pair[Overlap()], pair.x[ThinSVD()].s ** 2
        explained = xp.sum(variances @ (overlap * overlap))
        return xp.clip(explained / xp.sum(variances), 0.0, 1.0)

    def contributions(self, pair: Pair) -> np.ndarray:
        """Products of an input's centred row with its prediction."""
        y = principal(pair.y)
        check_rank(pair.y, y.rank, pair.n)
        x = centred_sides(pair)[0]
        return np.vecdot(x, y.u @ (y.u.T @ x)) / np.sum(x * x)

    def influence(self, pair: Pair) -> Influence:
        """Squared residuals, less each input's share of what is to be explained."""
        basis = principal(pair.y).u
        check_rank(pair.y, basis.shape[1], pair.n)
        x = centred_sides(pair)[0]
        x = x / np.linalg.norm(x)
        residuals = x - basis @ (basis.T @ x)
        return Influence(np.sum(residuals**2) * np.vecdot(x, x) - np.vecdot(residuals, residuals))

    def maps(self, pair: Pair) -> Maps:
        """Regress the first side on the second."""
        svd = principal(pair.y)
        check_rank(pair.y, svd.rank, pair.n)
        return prediction(pair, svd.v / svd.s @ (svd.u.T @ centred_sides(pair)[0]))


@dataclass(frozen=True)
class RidgeRegression(Measure):
    """Cross-validated share of the first representation's variance that a ridge regression on the second predicts.

    Parameters
    ----------
    alpha
        Weight of the penalty, in units of the second side's sums of squares, as in scikit-learn.
    folds
        Parts of consecutive inputs, each predicted from the others. Shuffle inputs that come in classes.
    """

    alpha: float = parameter(1.0, above=0)
    folds: int = parameter(5, at_least=2)

    name = "ridge_regression"
    declares = Properties(
        kind="similarity",
        bounds=(-inf, 1.0),
        symmetric=False,
        invariances=invariant("OST", "OT"),
        reference="Yamins et al. 2014, doi:10.1073/pnas.1403112111; Schrimpf et al. 2018, doi:10.1101/407007",
        formula="1 - sum of squared errors of held-out predictions of X from Y / sum of squares of X, centred",
        needs="at least two inputs a fold",
        cost="folds n d^2",
        caution="Negative where the prediction is worse than the mean. Depends on the scale of the second side.",
        self_is_best=False,
    )
    variants = ("alpha=0.1,folds=3",)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Principal components, which stand for the features."""
        return (ThinSVD(),)

    def score(self, pair: Pair) -> float:
        """Predict each fold from the rest."""
        if pair.n < 2 * self.folds:
            raise MeasureError(
                f"{self.id} on {pair.n} inputs leaves folds with fewer than two. Use fewer folds or more inputs."
            )
        target, predictor = (as_numpy(svd.u * svd.s) for svd in (pair.x[ThinSVD()], pair.y[ThinSVD()]))
        errors, penalty = 0.0, scaled(float(self.alpha), -2 * pair.y.exponent)
        for test in np.array_split(np.arange(pair.n), self.folds):
            train = np.ones(pair.n, dtype=bool)
            train[test] = False
            mean_in, mean_out = predictor[train].mean(axis=0), target[train].mean(axis=0)
            weights = _weights(predictor[train] - mean_in, target[train] - mean_out, penalty)
            predicted = (predictor[test] - mean_in) @ weights + mean_out
            errors += float(np.sum((target[test] - predicted) ** 2))
        return 1.0 - errors / float(np.sum(target**2))

    def maps(self, pair: Pair) -> Maps:
        """Regress the first side on the second, on all inputs: held-out ones take the place of folds."""
        x, y = centred_sides(pair)
        return prediction(pair, _weights(y, x, scaled(float(self.alpha), -2 * pair.y.exponent)))


def _weights(p: np.ndarray, t: np.ndarray, penalty: float) -> np.ndarray:
    """Ridge regression of centred values, through the eigenvectors of the smaller Gram matrix.

    Where the penalty is so small that it would amplify the rounding of the eigenvalues, through singular vectors,
    without directions that are rounding error.
    """
    wide = p.shape[1] > p.shape[0]
    variances, vectors = np.linalg.eigh(p @ p.T if wide else p.T @ p)
    if penalty < _ROUNDS * variances[-1]:
        u, s, vh = np.linalg.svd(p, full_matrices=False)
        kept = s > max(p.shape) * np.finfo(np.float64).eps * s[0]
        u, s, vh = u[:, kept], s[kept], vh[kept]
        return vh.T @ ((u.T @ t) * (s / (s * s + penalty))[:, None])
    shares = (np.clip(variances, 0, None) + penalty)[:, None]
    return p.T @ (vectors @ ((vectors.T @ t) / shares)) if wide else vectors @ ((vectors.T @ (p.T @ t)) / shares)
