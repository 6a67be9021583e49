"""Compare neural-network representations, and grade the measures that do so."""

from typing import TYPE_CHECKING

from similitude.lazy import attach

if TYPE_CHECKING:
    from similitude import factors
    from similitude.alignment import Alignment, align
    from similitude.benchmark import Evaluation, Functionality, Pairwise, Results, Subtask, evaluate, read_results
    from similitude.doctor.chance import chance_of_cka
    from similitude.doctor.diagnosis import diagnose
    from similitude.doctor.significance import significance
    from similitude.engine import PairTable, PairValues, Stream, compare, pairwise
    from similitude.engine.compute import plan_pairs
    from similitude.engine.models import compare_models, compare_reductions
    from similitude.errors import MeasureError, SimilitudeError, SimilitudeWarning
    from similitude.extraction.extract import extract
    from similitude.extraction.layers import list_layers
    from similitude.measures import Measure, get_measure, get_measures, measure
    from similitude.measures.base import Properties, invariant
    from similitude.report.figures import heat_map
    from similitude.representations import (
        RDM,
        ModelRecord,
        Population,
        PopulationWriter,
        Representation,
        Score,
        open_population,
    )
    from similitude.representations.files import load_representations
    from similitude.suites import Site, Suite
    from similitude.suites.own.suite import OwnSuite
    from similitude.testing import check_measure
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "similitude.alignment": ("Alignment", "align"),
            "similitude.benchmark": (
                *("Evaluation", "Functionality", "Pairwise", "Results", "Subtask", "evaluate", "read_results"),
            ),
            "similitude.engine": ("PairTable", "PairValues", "Stream", "compare", "pairwise"),
            "similitude.doctor.chance": ("chance_of_cka",),
            "similitude.engine.compute": ("plan_pairs",),
            "similitude.doctor.diagnosis": ("diagnose",),
            "similitude.engine.models": ("compare_models", "compare_reductions"),
            "similitude.errors": ("MeasureError", "SimilitudeError", "SimilitudeWarning"),
            "similitude.doctor.significance": ("significance",),
            "similitude.measures": ("Measure", "get_measure", "get_measures", "measure"),
            "similitude.measures.base": ("Properties", "invariant"),
            "similitude.report.figures": ("heat_map",),
            "similitude.representations": (
                *("RDM", "ModelRecord", "Population", "PopulationWriter", "Representation", "Score"),
                "open_population",
            ),
            "similitude.extraction.extract": ("extract",),
            "similitude.representations.files": ("load_representations",),
            "similitude.extraction.layers": ("list_layers",),
            "similitude.suites": ("Site", "Suite"),
            "similitude.suites.own.suite": ("OwnSuite",),
            "similitude.testing": ("check_measure",),
        },
        {name: f"similitude.{name}" for name in ("benchmark", "engine", "errors", "factors", "measures", "report")}
        | {name: f"similitude.{name}" for name in ("representations", "suites", "testing")},
    )

__version__ = "0.1.0"

__all__ = [
    "RDM",
    "Alignment",
    "Evaluation",
    "Functionality",
    "Measure",
    "MeasureError",
    "ModelRecord",
    "OwnSuite",
    "PairTable",
    "PairValues",
    "Pairwise",
    "Population",
    "PopulationWriter",
    "Properties",
    "Representation",
    "Results",
    "Score",
    "SimilitudeError",
    "SimilitudeWarning",
    "Site",
    "Stream",
    "Subtask",
    "Suite",
    "__version__",
    "align",
    "chance_of_cka",
    "check_measure",
    "compare",
    "compare_models",
    "compare_reductions",
    "diagnose",
    "evaluate",
    "extract",
    "factors",
    "get_measure",
    "get_measures",
    "heat_map",
    "invariant",
    "list_layers",
    "load_representations",
    "measure",
    "open_population",
    "pairwise",
    "plan_pairs",
    "read_results",
    "significance",
]
