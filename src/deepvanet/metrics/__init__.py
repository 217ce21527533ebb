"""Scores, their intervals, and what chance would give.

Every score comes from one set of counts a subject: how many segments each trial
has, how many of them are called high, and how often a segment of one trial
scores above a segment of another. The point estimate, the bootstrap (weights for
trials) and the permutation test (other labels for trials) read the same counts,
so a thousand shuffles cost a few matrix products.

A segment is called high when its score exceeds 0.5, as the paper's equation for
the decision says. AUROC counts only pairs scored by the same fitted model, since
scores of two models are not on one scale and pooling them biases it downward.
"""

from deepvanet.metrics.agreement import AGREEMENTS, measure_agreement
from deepvanet.metrics.calibration import (
    AS_FITTED,
    Calibration,
    find_calibration_error,
    find_logit_of_mean,
    fit_calibration,
    measure_calibration,
    measure_calibration_error,
    measure_log_loss,
)
from deepvanet.metrics.counts import METRICS
from deepvanet.metrics.paired import (
    compare_folds,
    correct_by_holm,
    draw_interval,
    find_smallest_visible,
    flip_signs,
    rank_signs,
)
from deepvanet.metrics.scores import (
    ALL_FOLDS,
    LEVELS,
    count_confusion,
    mean_over_trials,
    score_labels,
    score_subjects,
)
from deepvanet.metrics.seeds import SEED_COLUMNS, tabulate_seeds
from deepvanet.metrics.tables import SCORE_COLUMNS, tabulate_scores

__all__ = [
    "AGREEMENTS",
    "ALL_FOLDS",
    "AS_FITTED",
    "LEVELS",
    "METRICS",
    "SCORE_COLUMNS",
    "SEED_COLUMNS",
    "Calibration",
    "compare_folds",
    "correct_by_holm",
    "count_confusion",
    "draw_interval",
    "find_calibration_error",
    "find_logit_of_mean",
    "find_smallest_visible",
    "fit_calibration",
    "flip_signs",
    "mean_over_trials",
    "measure_agreement",
    "measure_calibration",
    "measure_calibration_error",
    "measure_log_loss",
    "rank_signs",
    "score_labels",
    "score_subjects",
    "tabulate_scores",
    "tabulate_seeds",
]
