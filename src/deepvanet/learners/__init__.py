"""Learners by name: each is fitted on rows and scores rows.

A learner is one file here and one line in ``LEARNERS``.
"""

from collections.abc import Mapping

from deepvanet.learners import priors
from deepvanet.learners.bandpower import BANDPOWER
from deepvanet.learners.decision_fusion import FUSIONS
from deepvanet.learners.eegnet import make_eegnet
from deepvanet.learners.grid import find_cell, make_network
from deepvanet.learners.learner import (
    Choice,
    EpochLearner,
    EpochRecord,
    Fitted,
    Learner,
    MakeLearner,
    Traits,
)
from deepvanet.learners.riemann import make_riemann
from deepvanet.learners.trial_classifiers import TRIAL
from deepvanet.learners.within_subject import compare_within
from deepvanet.schema import PRIORS, pick

__all__ = [
    "LEARNERS",
    "PRIORS",
    "Choice",
    "EpochLearner",
    "EpochRecord",
    "Fitted",
    "Learner",
    "Traits",
    "find_learner",
]

LEARNERS: Mapping[str, MakeLearner] = {
    "network": make_network,
    **FUSIONS,
    **BANDPOWER,
    **TRIAL,
    "riemann": make_riemann,
    "eegnet": make_eegnet,
    **priors.PRIORS,
}
"""What makes a learner from its settings and a seed."""


def find_learner(name: str) -> MakeLearner:
    """Return what makes a learner, ``network:16x64`` and the like included.

    Raises
    ------
    UserError
        When there is no learner of that name.
    """
    return compare_within(find_cell(name) or LEARNERS[pick("learner", name, LEARNERS)])
