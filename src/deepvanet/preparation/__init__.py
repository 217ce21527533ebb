"""Recordings become a store of segments."""

from deepvanet.preparation.estimate import PreparationEstimate, estimate_preparation
from deepvanet.preparation.run import PreparationSummary, prepare, suggest_artefacts

__all__ = [
    "PreparationEstimate",
    "PreparationSummary",
    "estimate_preparation",
    "prepare",
    "suggest_artefacts",
]
