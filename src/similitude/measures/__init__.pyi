from .base import Invariance as Invariance, Measure as Measure
from .catalogue import BUILT_IN as BUILT_IN, DEFAULT_MEASURES as DEFAULT_MEASURES, MEASURES as MEASURES
from .function import measure as measure
from .parse import every_measure as every_measure, get_measure as get_measure, get_measures as get_measures
