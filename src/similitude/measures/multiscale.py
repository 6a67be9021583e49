"""Kernel alignment over a range of scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from similitude.errors import InputError
from similitude.factors.base import Cross, Factor
from similitude.factors.gaussian_invariants import GaussianInvariants
from similitude.factors.gaussian_kernels import GaussianKernels
from similitude.factors.invariants import OfBoth
from similitude.factors.pair import Pair
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.null import ClosedForm, of_distances
from similitude.measures.parameters import parameter

__all__ = ["MultiscaleCKA"]


@dataclass(frozen=True)
class MultiscaleCKA(Measure):
    """CKA with a Gaussian kernel, averaged over bandwidths from local to global; the squared distances serve all.

    Parameters
    ----------
    smallest
        First bandwidth, as a multiple of the median distance between two inputs.
    largest
        Last bandwidth.
    steps
        Number of bandwidths, each a constant multiple of the one before.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 8))
    >>> round(MultiscaleCKA()(X, 2 * X + 1), 12)
    1.0
    """

    smallest: float = parameter(0.05, at_least=0.001, at_most=100)
    largest: float = parameter(10.0, at_least=0.001, at_most=100)
    steps: int = parameter(10, at_least=2)

    name = "multiscale_cka"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Mean over a sweep of bandwidths as in the study github.com/barweiss1/repsim-signal; "
        "CKA: Kornblith et al. 2019, arXiv:1905.00414",
        formula="mean over w of <HKH, HLH> / (||HKH||_F ||HLH||_F), K = exp(-||x - x'||^2 / (2 w^2)), L likewise of Y",
        cost="n^2",
        caution="Biased upwards: at bandwidths far below all distances, kernels of any data are the identity, and "
        "their CKA is 1.",
    )
    variants = ("smallest=0.2,largest=2,steps=4",)

    def __post_init__(self) -> None:
        """Check the parameters, also against each other."""
        super().__post_init__()
        if not self.smallest < self.largest:
            raise InputError(
                f"multiscale_cka: smallest must be below largest; they are {self.smallest:g} and {self.largest:g}."
            )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Inner products of the kernels of all bandwidths."""
        return (self._kernels,)

    def closed_form(self) -> ClosedForm:
        """A mean of inner products of centred kernels over their norms."""
        return ClosedForm(OfBoth(GaussianInvariants(self._kernels.bandwidths)), of_distances)

    @property
    def _kernels(self) -> GaussianKernels:
        return GaussianKernels(tuple(np.geomspace(self.smallest, self.largest, self.steps).tolist()))

    def score(self, pair: Pair) -> float:
        """Mean of the cosines between kernels of the same bandwidth."""
        products = pair[self._kernels]
        return float(np.mean(products.xy / (np.sqrt(products.xx) * np.sqrt(products.yy))))
