"""The measures that ship; modules are imported when a measure is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from similitude.registry import Registry

if TYPE_CHECKING:
    from similitude.measures.base import Measure

__all__ = ["BUILT_IN", "DEFAULT_MEASURES", "MEASURES", "RDM_MEASURES"]

MEASURES: Registry[type[Measure] | Measure] = Registry("measure", group="similitude.measures")
"""Every measure that has a name: those that ship, and those of installed packages."""

_FAMILIES = {
    "cka": {"cka": "CKA"},
    "cca": {"mean_cca": "MeanCCA", "mean_squared_cca": "MeanSquaredCCA", "pwcca": "PWCCA"},
    "svcca": {"svcca": "SVCCA"},
    "gulp": {"gulp": "GULP"},
    "procrustes": {
        "nbs": "NBS",
        "procrustes": "Procrustes",
        "orthogonal_procrustes": "OrthogonalProcrustes",
        "angular_procrustes": "AngularProcrustes",
        "procrustes_size_and_shape": "ProcrustesSizeAndShape",
        "aligned_cosine": "AlignedCosine",
    },
    "shape": {"shape_metric": "ShapeMetric"},
    "regression": {"linear_regression": "LinearRegression", "ridge_regression": "RidgeRegression"},
    "rsa": {
        "rsa": "RSA",
        "rsm_norm_difference": "RSMNormDifference",
        "distance_correlation": "DistanceCorrelation",
    },
    "neighbours": {
        "jaccard": "Jaccard",
        "second_order_cosine": "SecondOrderCosine",
        "rank_similarity": "RankSimilarity",
        "mutual_knn": "MutualKNN",
        "cknna": "CKNNA",
    },
    "matching": {
        "hard_correlation_match": "HardCorrelationMatch",
        "soft_correlation_match": "SoftCorrelationMatch",
        "soft_matching": "SoftMatching",
        "permutation_procrustes": "PermutationProcrustes",
    },
    "statistics": {
        "eigenspace_overlap": "EigenspaceOverlap",
        "magnitude_difference": "MagnitudeDifference",
        "concentricity_difference": "ConcentricityDifference",
        "uniformity_difference": "UniformityDifference",
    },
    "topology": {"imd": "IMD", "rtd": "RTD"},
    "baselines": {"random": "Random", "norm_difference": "NormDifference"},
}

for _module, _names in _FAMILIES.items():
    for _name, _class in _names.items():
        MEASURES.register(_name, f"similitude.measures.{_module}:{_class}")

BUILT_IN = tuple(name for names in _FAMILIES.values() for name in names)
"""Names of the measures that ship, by family."""

DEFAULT_MEASURES = ("procrustes", "cka", "pwcca", "mean_cca", "mean_squared_cca", "norm_difference", "random")
"""The measures of Ding et al. 2021 and the two baselines."""

RDM_MEASURES = ("rsa",)
"""The default where dissimilarities are given instead of features."""
