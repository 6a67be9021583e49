"""What is computed once of a representation or of a pair, whatever measures read it."""

from similitude.factors.base import Cross, Factor
from similitude.factors.linear import (
    SVD,
    Centred,
    CentredNorm,
    CovarianceNorm,
    DiagonalSquares,
    Gram,
    Mean,
    PrincipalMean,
    SquaredRowNorms,
    ThinSVD,
)

__all__ = [
    "SVD",
    "Centred",
    "CentredNorm",
    "CovarianceNorm",
    "Cross",
    "DiagonalSquares",
    "Factor",
    "Gram",
    "Mean",
    "PrincipalMean",
    "SquaredRowNorms",
    "ThinSVD",
]
