from .folder import (
    PopulationWriter as PopulationWriter,
    is_population as is_population,
    load_array as load_array,
    open_population as open_population,
)
from .population import ModelRecord as ModelRecord, Population as Population, Score as Score
from .rdm import RDM as RDM
from .representation import Representation as Representation, validate as validate
