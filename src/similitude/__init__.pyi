from . import (
    benchmark as benchmark,
    engine as engine,
    errors as errors,
    factors as factors,
    measures as measures,
    report as report,
    representations as representations,
    suites as suites,
    testing as testing,
)
from .alignment import Alignment as Alignment, align as align
from .benchmark import (
    Evaluation as Evaluation,
    Functionality as Functionality,
    Pairwise as Pairwise,
    Results as Results,
    Subtask as Subtask,
    evaluate as evaluate,
    read_results as read_results,
)
from .differences.contributions import Contributions as Contributions, contributions as contributions
from .differences.diff import diff as diff, diff_weights as diff_weights
from .differences.divergence import Divergence as Divergence
from .doctor.chance import chance_of_cka as chance_of_cka
from .doctor.diagnosis import diagnose as diagnose
from .doctor.outliers import LeaveOneOutTable as LeaveOneOutTable, leave_one_out as leave_one_out
from .doctor.significance import significance as significance
from .engine import (
    PairTable as PairTable,
    PairValues as PairValues,
    Stream as Stream,
    compare as compare,
    pairwise as pairwise,
)
from .engine.compute import plan_pairs as plan_pairs
from .engine.layer_choice import LayerChoice as LayerChoice, choose_layer as choose_layer
from .engine.intervals import IntervalTable as IntervalTable, interval as interval
from .engine.models import compare_models as compare_models, compare_reductions as compare_reductions
from .errors import (
    MeasureError as MeasureError,
    SimilitudeError as SimilitudeError,
    SimilitudeWarning as SimilitudeWarning,
)
from .extraction.extract import extract as extract
from .extraction.layers import list_layers as list_layers
from .extraction.stitching import stitch as stitch
from .measures import (
    Measure as Measure,
    get_measure as get_measure,
    get_measures as get_measures,
    measure as measure,
)
from .measures.deconfounded import deconfounded as deconfounded
from .measures.base import Properties as Properties, invariant as invariant
from .measures.parameters import parameter as parameter
from .report.figures import heat_map as heat_map
from .representations import (
    RDM as RDM,
    ModelRecord as ModelRecord,
    Population as Population,
    PopulationWriter as PopulationWriter,
    Representation as Representation,
    Score as Score,
    open_population as open_population,
)
from .representations.files import load_representations as load_representations
from .runs.grade import run as run
from .suites import Site as Site, Suite as Suite
from .suites.own.suite import OwnSuite as OwnSuite
from .testing import check_measure as check_measure
from .training.checkpoints import compare_checkpoints as compare_checkpoints
from .training.monitor import SimilarityMonitor as SimilarityMonitor
from .training.trajectory import Trajectory as Trajectory

__version__: str
