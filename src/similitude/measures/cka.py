"""Centred kernel alignment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from similitude.errors import InputError, MeasureError
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import DiagonalProduct
from similitude.factors.dots import Dot, Square
from similitude.factors.kernels import CentredGaussianGram
from similitude.factors.linear import CentredNorm, DiagonalSquares
from similitude.factors.linear_kernels import LinearKernels
from similitude.factors.pair import Pair
from similitude.linalg.scale import root
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.contributions import of_kernels, of_linear_kernels
from similitude.measures.parameters import parameter

__all__ = ["CKA"]


@dataclass(frozen=True)
class CKA(Measure):
    """Centred kernel alignment: HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y)), biased unless told otherwise.

    Parameters
    ----------
    kernel
        ``"linear"``, or ``"rbf"`` for exp(-||x - x'||^2 / (2 w^2)).
    bandwidth
        Width w of the Gaussian kernel, as a multiple of the median distance between two inputs.
    debiased
        Estimate HSIC without bias (Song et al. 2007): near 0 for independent data, and possibly below, where the
        biased value tends to 1 as features outnumber inputs.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 8))
    >>> round(CKA(debiased=True)(X, 2 * X + 1), 12)
    1.0
    """

    kernel: Literal["linear", "rbf"] = "linear"
    bandwidth: float = parameter(1.0, above=0)
    debiased: bool = False

    name = "cka"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Kornblith et al. 2019, arXiv:1905.00414; debiased: Murphy et al. 2024, arXiv:2405.01012",
        formula="||X'Y||_F^2 / (||X'X||_F ||Y'Y||_F), columns centred",
        cost="d^3 (linear), n^2 (rbf)",
        caution="Biased upwards when inputs are few: independent data with n = 32 and d = 2048 score .985.",
        differentiable=True,
    )
    variants = (
        "debiased=true",
        "kernel=rbf",
        "kernel=rbf,bandwidth=0.4,debiased=true",
    )

    def __post_init__(self) -> None:
        """Check the parameters, also against each other."""
        super().__post_init__()
        if self.kernel == "linear" and self.bandwidth != 1.0:
            raise InputError("cka: the linear kernel has no bandwidth. Add kernel=rbf, or leave bandwidth out.")

    def properties(self) -> Properties:
        """The unbiased estimator needs four inputs and can be negative; the Gaussian kernel has no gradients here."""
        declared = replace(self.declares, differentiable=self.kernel == "linear")
        if not self.debiased:
            return declared
        caution = "Noisy when inputs are few; a slightly negative value means independent."
        return replace(declared, bounds=(-1.0, 1.0), minimum_n=4, caution=caution)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """What HSIC is computed from."""
        if self.kernel == "rbf":
            return (self._gram, Square(self._gram), Dot(self._gram))
        corrections = (CentredNorm(), DiagonalSquares(), DiagonalProduct()) if self.debiased else ()
        return (LinearKernels(), *corrections)

    @property
    def _gram(self) -> CentredGaussianGram:
        return CentredGaussianGram(float(self.bandwidth), self.debiased)

    def score(self, pair: Pair) -> Any:
        """The normalised HSIC."""
        if self.kernel == "rbf":
            return _normalise(pair[Dot(self._gram)], pair.x[Square(self._gram)], pair.y[Square(self._gram)], pair)
        if self.debiased:
            return self._debiased_linear(pair)
        products = pair[LinearKernels()]
        return products.xy / (root(products.xx) * root(products.yy))

    def contributions(self, pair: Pair) -> np.ndarray:
        """Rows of the product of the two kernel matrices."""
        if self.kernel == "rbf":
            return of_kernels(pair.x[self._gram], pair.y[self._gram])
        return of_linear_kernels(pair, debiased=self.debiased)

    @staticmethod
    def _debiased_linear(pair: Pair) -> Any:
        """From the features: centred kernels have zero row sums, so that only their diagonals correct the bias."""
        n = pair.n
        traces = [side[CentredNorm()] * side[CentredNorm()] for side in (pair.x, pair.y)]

        def hsic(product: Any, diagonals: Any, traces: Any) -> Any:
            return product - diagonals + traces / ((n - 1) * (n - 2)) - 2 * diagonals / (n - 2)

        products = pair[LinearKernels()]
        cross = hsic(products.xy, pair[DiagonalProduct()], traces[0] * traces[1])
        own_x = hsic(products.xx, pair.x[DiagonalSquares()], traces[0] * traces[0])
        own_y = hsic(products.yy, pair.y[DiagonalSquares()], traces[1] * traces[1])
        return _normalise(cross, own_x, own_y, pair)


def _normalise(cross: Any, own_x: Any, own_y: Any, pair: Pair) -> Any:
    for side, own in ((pair.x, own_x), (pair.y, own_y)):
        if not own > 0:
            raise MeasureError(
                f"{side.key or 'A side'} has no unbiased self-similarity on {pair.n} inputs (all equally far apart). "
                "Use more inputs."
            )
    return cross / root(own_x * own_y)
