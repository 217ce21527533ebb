"""Recordings become a store of segments."""

from deepvanet.preparation.run import PreparationSummary, prepare, suggest_artefacts

__all__ = ["PreparationSummary", "prepare", "suggest_artefacts"]
