"""Train on all rows of a store; keep and load a model with its recipe."""

from deepvanet.bundle.estimate import estimate_bundle
from deepvanet.bundle.loading import Answer, Bundle, Level, load_bundle
from deepvanet.bundle.planning import read_asked
from deepvanet.bundle.standing import Standing, list_standings, say_worth
from deepvanet.bundle.train import train_bundle
from deepvanet.bundle.validation import Validation

__all__ = [
    "Answer",
    "Bundle",
    "Level",
    "Standing",
    "Validation",
    "estimate_bundle",
    "list_standings",
    "load_bundle",
    "read_asked",
    "say_worth",
    "train_bundle",
]
