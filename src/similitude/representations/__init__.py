"""What is compared: representations, and populations of networks that hold them."""

from typing import TYPE_CHECKING

from similitude.lazy import attach

if TYPE_CHECKING:
    from similitude.representations.folder import PopulationWriter, is_population, load_array, open_population
    from similitude.representations.population import ModelRecord, Population, Score
    from similitude.representations.rdm import RDM
    from similitude.representations.representation import Representation, validate
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "similitude.representations.folder": (
                *("PopulationWriter", "is_population", "load_array", "open_population"),
            ),
            "similitude.representations.population": ("ModelRecord", "Population", "Score"),
            "similitude.representations.rdm": ("RDM",),
            "similitude.representations.representation": ("Representation", "validate"),
        },
    )

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
