"""Valence and arousal from face video and bio-signals.

What stands in ``__all__`` is the public interface, which a release changes only with a
line in its changelog; other modules are private. It is loaded when it is first used:
``import deepvanet`` loads no array library. ``__init__.pyi`` says the same to editors
and type checkers.
"""

from collections.abc import Mapping
from importlib.metadata import version as _find_version
from typing import Any

__version__ = _find_version("deepvanet")

_PLACES: Mapping[str, tuple[str, ...]] = {
    "config": (
        *("EvaluateSettings", "Execution", "NetworkSettings", "PrepareSettings"),
        *("Segmenting", "TrainSettings"),
    ),
    "inference": ("Model", "Timeline"),
    "interface.experiment": (
        *("audit", "compare", "evaluate", "open_run", "report", "tabulate_scores"),
    ),
    "interface.folders": ("check", "open_store", "prepare", "synth"),
    "interface.models": ("explain", "load", "predict", "train"),
    "interface.bids": ("write_bids",),
    "interface.mne_objects": ("to_epochs", "to_raw"),
    "interface.selection": ("select_rows",),
    "interface.splits": ("ProtocolSplit", "split_rows"),
    "interface.tensors": ("SegmentDataset",),
    "learners": ("list_learners",),
    "learners.learner": ("FittedLearner", "Learner", "Traits"),
    "protocols": ("PROTOCOLS", "Protocol"),
    "results": ("Run",),
    "schema": ("Stream", "TaskError", "UserError"),
    "store": ("Rows", "SegmentStore", "Segments", "TrialStore"),
    "tasks": ("TASKS",),
}
"""The public names by the module that has them."""

_MODULES = {name: module for module, names in _PLACES.items() for name in names}

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


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
