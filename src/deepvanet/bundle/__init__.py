"""Train on all rows of a store; keep and load a model with its recipe."""

from deepvanet.bundle.loading import Answer, Bundle, Level, load_bundle
from deepvanet.bundle.train import train_bundle
from deepvanet.bundle.validation import Validation

__all__ = ["Answer", "Bundle", "Level", "Validation", "load_bundle", "train_bundle"]
