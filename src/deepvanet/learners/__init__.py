"""Learners by name: each is fitted on rows, and what was fitted scores rows."""

from deepvanet.learners.known import (
    LEARNERS,
    LearnerRecord,
    find_record,
    list_learners,
)
from deepvanet.schema import PRIORS

__all__ = ["LEARNERS", "PRIORS", "LearnerRecord", "find_record", "list_learners"]
