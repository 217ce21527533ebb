"""Train on all rows of a store; keep and load a model with its recipe."""

from deepvanet.bundle.loading import Answer, Bundle, Level, load_bundle
from deepvanet.bundle.standing import Standing, list_standings, say_worth
from deepvanet.bundle.train import train_bundle
from deepvanet.bundle.validation import Validation

__all__ = [
    "Answer",
    "Bundle",
    "Level",
    "Standing",
    "Validation",
    "list_standings",
    "load_bundle",
    "say_worth",
    "train_bundle",
]
