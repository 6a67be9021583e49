"""Centred kernel alignment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from similitude.errors import InputError, MeasureError
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import DiagonalProduct
from similitude.factors.dots import Dot, Square
from similitude.factors.invariants import MatrixInvariants, OfBoth
from similitude.factors.kernels import CentredGaussianGram
from similitude.factors.linear import Centred, CentredNorm, DiagonalSquares, Gram
from similitude.factors.linear_invariants import LinearInvariants
from similitude.factors.linear_kernels import LinearKernels
from similitude.factors.pair import Pair, Side, as_numpy
from similitude.linalg.influence import Influence
from similitude.linalg.leave_one_out import Rows, centred_cosine, row_products, rows_of, u_centred
from similitude.linalg.scale import root
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.contributions import of_kernels, of_linear_kernels
from similitude.measures.null import ClosedForm, biased, debiased
from similitude.measures.parameters import parameter

__all__ = ["CKA", "unbiased_hsic"]


@dataclass(frozen=True)
class OwnRowProducts(Factor):
    """Inner products of the rows of the centred linear kernel with themselves, n.

    Parameters
    ----------
    u_centred
        Whether the kernel is U-centred.
    """

    u_centred: bool

    reads = (Centred(),)
    work = "4ndd"
    size = "n"
    under_permutation = "rows"

    def __call__(self, side: Side) -> np.ndarray:
        """From the features."""
        values = as_numpy(side[Centred()])
        return row_products(values, values, u_centred=self.u_centred)


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

    def closed_form(self) -> ClosedForm:
        """An inner product of centred kernels over their norms; U-centred ones where it is debiased."""
        invariants = LinearInvariants() if self.kernel == "linear" else OfBoth(MatrixInvariants(self._gram))
        return ClosedForm(invariants, debiased if self.debiased else biased)

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

    def without_each(self, pair: Pair) -> np.ndarray:
        """From the rows of centred kernels; the width of a Gaussian kernel stays that of all inputs."""
        if self.kernel == "linear" and pair.n > max(pair.x.d, pair.y.d):
            x, y = (as_numpy(side[Centred()]) for side in (pair.x, pair.y))
            own = OwnRowProducts(self.debiased)
            rows = Rows(row_products(x, y, u_centred=self.debiased), pair.x[own], pair.y[own])
            return centred_cosine(rows, None if self.debiased else (np.vecdot(x, x), np.vecdot(y, y)))
        kernels = [self._centred_kernel(side) for side in (pair.x, pair.y)]
        diagonals = None if self.debiased else (np.diagonal(kernels[0]), np.diagonal(kernels[1]))
        return centred_cosine(rows_of(*kernels), diagonals)

    def influence(self, pair: Pair) -> Influence:
        """From the values without each input."""
        return Influence.jackknife(self.without_each(pair))

    def _centred_kernel(self, side: Side) -> np.ndarray:
        if self.kernel == "rbf":
            return side[self._gram]
        gram = as_numpy(side[Gram()])
        return u_centred(gram) if self.debiased else gram

    def contributions(self, pair: Pair) -> np.ndarray:
        """Rows of the product of the two kernel matrices."""
        if self.kernel == "rbf":
            return of_kernels(pair.x[self._gram], pair.y[self._gram])
        return of_linear_kernels(pair, debiased=self.debiased)

    @staticmethod
    def _debiased_linear(pair: Pair) -> Any:
        """From the features: centred kernels have zero row sums, so that only their diagonals correct the bias."""
        traces = [side[CentredNorm()] * side[CentredNorm()] for side in (pair.x, pair.y)]
        products = pair[LinearKernels()]
        cross = unbiased_hsic(products.xy, pair[DiagonalProduct()], traces[0] * traces[1], pair.n)
        own_x = unbiased_hsic(products.xx, pair.x[DiagonalSquares()], traces[0] * traces[0], pair.n)
        own_y = unbiased_hsic(products.yy, pair.y[DiagonalSquares()], traces[1] * traces[1], pair.n)
        return _normalise(cross, own_x, own_y, pair)


def unbiased_hsic(product: Any, diagonals: Any, traces: Any, n: int) -> Any:
    """Unbiased HSIC, times n (n - 3), of two centred kernels (Song et al. 2007): the rest is that of their diagonals.

    Parameters
    ----------
    product
        Their inner product.
    diagonals
        Inner product of their diagonals.
    traces
        Product of their traces.
    n
        Number of inputs.
    """
    return product - diagonals + traces / ((n - 1) * (n - 2)) - 2 * diagonals / (n - 2)


def _normalise(cross: Any, own_x: Any, own_y: Any, pair: Pair) -> Any:
    for side, own in ((pair.x, own_x), (pair.y, own_y)):
        if not own > 0:
            raise MeasureError(
                f"{side.key or 'A side'} has no unbiased self-similarity on {pair.n} inputs (all equally far apart). "
                "Use more inputs."
            )
    return cross / root(own_x * own_y)
