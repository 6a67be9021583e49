"""Compare neural-network representations, and grade the measures that do so."""

from similitude.measures import get_measure
from similitude.representations import Representation

__all__ = ["Representation", "get_measure"]
