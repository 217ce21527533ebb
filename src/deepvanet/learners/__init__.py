"""Learners by name: each is fitted on rows and scores rows.

A learner is one file here and one line in ``LEARNERS``.
"""

from collections.abc import Mapping

from deepvanet.learners import priors
from deepvanet.learners.learner import (
    Choice,
    EpochRecord,
    Fitted,
    Learner,
    MakeLearner,
    Traits,
)
from deepvanet.learners.network import NetworkLearner

__all__ = ["LEARNERS", "PRIORS", "Choice", "EpochRecord", "Fitted", "Learner", "Traits"]

PRIORS = tuple(priors.PRIORS)
"""Learners that read no stream; they are always scored too."""

LEARNERS: Mapping[str, MakeLearner] = {
    "network": NetworkLearner,
    **priors.PRIORS,
}
"""What makes a learner from its settings and a seed."""
