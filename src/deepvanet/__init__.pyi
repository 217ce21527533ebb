from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    Segmenting,
    TrainSettings,
)
from deepvanet.inference import Model, Timeline
from deepvanet.interface.bids import write_bids
from deepvanet.interface.experiment import (
    audit,
    compare,
    evaluate,
    open_run,
    report,
    tabulate_scores,
)
from deepvanet.interface.folders import check, open_store, prepare, synth
from deepvanet.interface.mne_objects import to_epochs, to_raw
from deepvanet.interface.models import explain, load, predict, train
from deepvanet.interface.selection import select_rows
from deepvanet.interface.splits import ProtocolSplit, split_rows
from deepvanet.interface.tensors import SegmentDataset
from deepvanet.learners import list_learners
from deepvanet.learners.learner import FittedLearner, Learner, Traits
from deepvanet.protocols import PROTOCOLS, Protocol
from deepvanet.results import Run
from deepvanet.schema import Stream, TaskError, UserError
from deepvanet.store import Rows, Segments, SegmentStore, TrialStore
from deepvanet.tasks import TASKS

__all__ = [
    "PROTOCOLS",
    "TASKS",
    "EvaluateSettings",
    "Execution",
    "FittedLearner",
    "Learner",
    "Model",
    "NetworkSettings",
    "PrepareSettings",
    "Protocol",
    "ProtocolSplit",
    "Rows",
    "Run",
    "SegmentDataset",
    "SegmentStore",
    "Segmenting",
    "Segments",
    "Stream",
    "TaskError",
    "Timeline",
    "TrainSettings",
    "Traits",
    "TrialStore",
    "UserError",
    "__version__",
    "audit",
    "check",
    "compare",
    "evaluate",
    "explain",
    "list_learners",
    "load",
    "open_run",
    "open_store",
    "predict",
    "prepare",
    "report",
    "select_rows",
    "split_rows",
    "synth",
    "tabulate_scores",
    "to_epochs",
    "to_raw",
    "train",
    "write_bids",
]

__version__: str
