"""Grading measures: does dissimilarity track the difference in what networks can do?"""

from similitude.benchmark.evaluate import Evaluation, evaluate
from similitude.benchmark.functionalities.predictions import calibration_error, prediction_differences
from similitude.benchmark.functionalities.probes import probe_correct
from similitude.benchmark.functionalities.reliability import split_half_reliability
from similitude.benchmark.grading import GradingData
from similitude.benchmark.questions import Monotonicity, RankCorrelation, Separation
from similitude.benchmark.results import Results, read_results
from similitude.benchmark.statistics.correlation import Grade, grade
from similitude.benchmark.subtask import Functionality, Grouping, Pairing, Pairwise, Subtask, Variant

__all__ = [
    "Evaluation",
    "Functionality",
    "Grade",
    "GradingData",
    "Grouping",
    "Monotonicity",
    "Pairing",
    "Pairwise",
    "RankCorrelation",
    "Results",
    "Separation",
    "Subtask",
    "Variant",
    "calibration_error",
    "evaluate",
    "grade",
    "prediction_differences",
    "probe_correct",
    "read_results",
    "split_half_reliability",
]
