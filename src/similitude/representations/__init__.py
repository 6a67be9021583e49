"""What is compared: representations, and populations of networks that hold them."""

from similitude.representations.folder import PopulationWriter, is_population, load_array, open_population
from similitude.representations.population import ModelRecord, Population, Score
from similitude.representations.rdm import RDM
from similitude.representations.representation import Representation, validate

__all__ = [
    "RDM",
    "ModelRecord",
    "Population",
    "PopulationWriter",
    "Representation",
    "Score",
    "is_population",
    "load_array",
    "open_population",
    "validate",
]
