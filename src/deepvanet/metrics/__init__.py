"""Scores, their intervals, and what chance would give.

Every score comes from one set of counts a subject: how many segments each trial
has, how many of them are called high, and how often a segment of one trial
scores above a segment of another. The point estimate and the jackknife (weights for
trials) read the same counts.

A segment is called high when its score exceeds 0.5, as the paper's equation for
the decision says. AUROC counts only pairs scored by the same fitted model, since
scores of two models are not on one scale and pooling them biases it downward.
"""

from deepvanet.metrics.agreement import measure_agreement
from deepvanet.metrics.calibration import (
    AS_FITTED,
    Calibration,
    find_logit_of_mean,
    fit_calibration,
    measure_calibration,
    measure_calibration_error,
    measure_log_loss,
)
from deepvanet.metrics.counts import METRICS
from deepvanet.metrics.families import (
    correct_by_holm,
    correct_by_maximum,
    count_permutations,
    find_p_value,
)
from deepvanet.metrics.jackknife import (
    LEAST_CLIPS,
    LEAST_SUBJECTS,
    LEVEL,
    Spread,
    find_interval,
    find_p_above,
    find_p_unequal,
    find_smallest_visible,
    find_spread,
    jackknife,
)
from deepvanet.metrics.paired import compare_folds, flip_signs, rank_signs
from deepvanet.metrics.scores import (
    ALL_FOLDS,
    LEVELS,
    Measurement,
    count_confusion,
    find_means,
    mean_over_people,
    mean_over_trials,
    measure,
    score_labels,
    score_subjects,
)
from deepvanet.metrics.seeds import SEED_COLUMNS, tabulate_seeds
from deepvanet.metrics.tables import (
    CHANCE,
    PERMUTATION_COLUMNS,
    PRIOR_COLUMNS,
    SCORE_COLUMNS,
    tabulate_over_priors,
    tabulate_scores,
)

__all__ = [
    "ALL_FOLDS",
    "AS_FITTED",
    "CHANCE",
    "LEAST_CLIPS",
    "LEAST_SUBJECTS",
    "LEVEL",
    "LEVELS",
    "METRICS",
    "PERMUTATION_COLUMNS",
    "PRIOR_COLUMNS",
    "SCORE_COLUMNS",
    "SEED_COLUMNS",
    "Calibration",
    "Measurement",
    "Spread",
    "compare_folds",
    "correct_by_holm",
    "correct_by_maximum",
    "count_confusion",
    "count_permutations",
    "find_interval",
    "find_logit_of_mean",
    "find_means",
    "find_p_above",
    "find_p_unequal",
    "find_p_value",
    "find_smallest_visible",
    "find_spread",
    "fit_calibration",
    "flip_signs",
    "jackknife",
    "mean_over_people",
    "mean_over_trials",
    "measure",
    "measure_agreement",
    "measure_calibration",
    "measure_calibration_error",
    "measure_log_loss",
    "rank_signs",
    "score_labels",
    "score_subjects",
    "tabulate_over_priors",
    "tabulate_scores",
    "tabulate_seeds",
]
