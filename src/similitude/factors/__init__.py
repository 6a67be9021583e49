"""What is computed once of a representation or of a pair, whatever measures read it."""

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
    "DiagonalSquares",
    "Gram",
    "Mean",
    "PrincipalMean",
    "SquaredRowNorms",
    "ThinSVD",
]
