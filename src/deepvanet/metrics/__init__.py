"""Scores, their intervals, and what chance would give.

Every score comes from one set of counts a subject: how many segments each trial
has, how many of them are called high (or any other class), and how often a segment of
one trial scores above a segment of another; of ratings, sums of numbers and of their
squares. The point estimate and the jackknife (weights for trials) read the same counts.

The columns of predictions show their task (:func:`find_form`). Of high and low, a
segment is called high when its score exceeds 0.5, as the paper's equation for
the decision says; of several classes, the most probable one is called. AUROC counts
only pairs scored by the same fitted model, since scores of two models are not on one
scale and pooling them biases it downward.
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
    measure_rising_bins,
)
from deepvanet.metrics.conformal import Conformal, conform, take_classes
from deepvanet.metrics.coverage import COVERAGE_COLUMNS, tabulate_coverage
from deepvanet.metrics.families import (
    correct_by_holm,
    correct_by_maximum,
    count_permutations,
    find_p_value,
)
from deepvanet.metrics.forms import (
    CLASSES,
    HIGH_LOW,
    HIGH_LOW_FORM,
    LAG_COLUMN,
    METRIC_RECORDS,
    METRICS,
    PROBABILITY,
    QUADRANTS,
    RATING,
    RATING_METRICS,
    TASK_SCORES,
    TIME_COLUMN,
    TRACE,
    Form,
    MetricRecord,
    find_form,
    is_over_people,
    make_form,
    permutation_columns,
)
from deepvanet.metrics.groups import (
    GROUP_COLUMNS,
    NOT_STATED,
    find_groups,
    measure_groups,
    tabulate_groups,
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
from deepvanet.metrics.rating_sums import LEAST_RATINGS, LEAST_TRIALS
from deepvanet.metrics.scores import (
    ALL_FOLDS,
    LEVELS,
    Measurement,
    count_confusion,
    find_means,
    mean_over_people,
    mean_over_trials,
    measure,
    measure_skill,
    name_probable,
    score_labels,
    score_subjects,
    score_together,
)
from deepvanet.metrics.seeds import SEED_COLUMNS, tabulate_seeds
from deepvanet.metrics.tables import (
    PERMUTATION_COLUMNS,
    PRIOR_COLUMNS,
    SCORE_COLUMNS,
    SKILL,
    list_score_columns,
    tabulate_over_priors,
    tabulate_scores,
)

__all__ = [
    "ALL_FOLDS",
    "AS_FITTED",
    "CLASSES",
    "COVERAGE_COLUMNS",
    "GROUP_COLUMNS",
    "HIGH_LOW",
    "HIGH_LOW_FORM",
    "LAG_COLUMN",
    "LEAST_CLIPS",
    "LEAST_RATINGS",
    "LEAST_SUBJECTS",
    "LEAST_TRIALS",
    "LEVEL",
    "LEVELS",
    "METRICS",
    "METRIC_RECORDS",
    "NOT_STATED",
    "PERMUTATION_COLUMNS",
    "PRIOR_COLUMNS",
    "PROBABILITY",
    "QUADRANTS",
    "RATING",
    "RATING_METRICS",
    "SCORE_COLUMNS",
    "SEED_COLUMNS",
    "SKILL",
    "TASK_SCORES",
    "TIME_COLUMN",
    "TRACE",
    "Calibration",
    "Conformal",
    "Form",
    "Measurement",
    "MetricRecord",
    "Spread",
    "compare_folds",
    "conform",
    "correct_by_holm",
    "correct_by_maximum",
    "count_confusion",
    "count_permutations",
    "find_form",
    "find_groups",
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
    "is_over_people",
    "jackknife",
    "list_score_columns",
    "make_form",
    "mean_over_people",
    "mean_over_trials",
    "measure",
    "measure_agreement",
    "measure_calibration",
    "measure_calibration_error",
    "measure_groups",
    "measure_log_loss",
    "measure_rising_bins",
    "measure_skill",
    "name_probable",
    "permutation_columns",
    "rank_signs",
    "score_labels",
    "score_subjects",
    "score_together",
    "tabulate_coverage",
    "tabulate_groups",
    "tabulate_over_priors",
    "tabulate_scores",
    "tabulate_seeds",
    "take_classes",
]
