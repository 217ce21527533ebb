"""Train on all rows of a store; keep and load a model with its recipe."""

from deepvanet.bundle.estimate import estimate_bundle
from deepvanet.bundle.loading import Answer, Bundle, Level, load_bundle
from deepvanet.bundle.planning import read_asked
from deepvanet.bundle.train import train_bundle
from deepvanet.bundle.validation import Validation

__all__ = [
    "Answer",
    "Bundle",
    "Level",
    "Validation",
    "estimate_bundle",
    "load_bundle",
    "read_asked",
    "train_bundle",
]
