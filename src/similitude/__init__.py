"""Compare neural-network representations, and grade the measures that do so."""

from similitude.engine import PairTable, compare, pairwise
from similitude.errors import SimilitudeError, SimilitudeWarning
from similitude.measures import Measure, get_measure, get_measures
from similitude.representations import (
    ModelRecord,
    Population,
    PopulationWriter,
    Representation,
    Score,
    open_population,
)

__version__ = "0.1.0"

__all__ = [
    "Measure",
    "ModelRecord",
    "PairTable",
    "Population",
    "PopulationWriter",
    "Representation",
    "Score",
    "SimilitudeError",
    "SimilitudeWarning",
    "__version__",
    "compare",
    "get_measure",
    "get_measures",
    "open_population",
    "pairwise",
]
