"""Compare neural-network representations, and grade the measures that do so."""

from similitude.alignment import Alignment, align
from similitude.engine import PairTable, Stream, compare, pairwise
from similitude.engine.models import compare_models
from similitude.errors import SimilitudeError, SimilitudeWarning
from similitude.measures import Measure, chance_notes, get_measure, get_measures, measure, significance
from similitude.representations import (
    RDM,
    ModelRecord,
    Population,
    PopulationWriter,
    Representation,
    Score,
    open_population,
)
from similitude.representations.extract import extract
from similitude.representations.layers import list_layers

__version__ = "0.1.0"

__all__ = [
    "RDM",
    "Alignment",
    "Measure",
    "ModelRecord",
    "PairTable",
    "Population",
    "PopulationWriter",
    "Representation",
    "Score",
    "SimilitudeError",
    "SimilitudeWarning",
    "Stream",
    "__version__",
    "align",
    "chance_notes",
    "compare",
    "compare_models",
    "extract",
    "get_measure",
    "get_measures",
    "list_layers",
    "measure",
    "open_population",
    "pairwise",
    "significance",
]
