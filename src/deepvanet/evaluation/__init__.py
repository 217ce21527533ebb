"""Protocol x learner x fold -> predictions, with what training and test shared."""

from deepvanet.evaluation.estimate import estimate_run
from deepvanet.evaluation.run import RunSummary, evaluate, read_asked, refit_control

__all__ = ["RunSummary", "estimate_run", "evaluate", "read_asked", "refit_control"]
