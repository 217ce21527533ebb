"""Score predictions: a subject's, all subjects', by segments or by trials."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from deepvanet.metrics.counts import (
    METRICS,
    THRESHOLD,
    Counts,
    count,
    mean_over_seeds,
    score_counts,
)

LEVELS = ("segment", "trial")
ALL_FOLDS = -1
"""The fold of a trial whose segments were scored by the models of several folds."""

_RUN = ["protocol", "target", "streams", "learner", "seed"]
_TRIAL = ["subject", "trial", "stimulus", "label"]


def score_labels(
    label: Int[np.ndarray, " item"],
    score: Float[np.ndarray, " item"],
    fit: Int[np.ndarray, " item"],
) -> dict[str, float]:
    """Score one subject's predictions.

    Parameters
    ----------
    label : array, shape (item,)
        0 or 1.
    score : array, shape (item,)
        Probability of 1.
    fit : array, shape (item,)
        Which fitted model gave each score.

    Returns
    -------
    dict
        A value for each of ``METRICS``; NaN where it is undefined: with one class
        all but accuracy, and AUROC where no model scored both classes. MCC of a
        constant prediction is 0.

    Examples
    --------
    >>> label, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.6, 0.9])
    >>> scores = score_labels(label, score, fit=np.zeros(4, dtype=int))
    >>> scores["accuracy"], scores["auroc"]
    (0.75, 0.875)
    """
    group = np.unique(label, return_inverse=True)[1]
    counts = count(group, label, score, fit, stimulus=group)
    return {name: float(value[0]) for name, value in score_counts(counts).items()}


def mean_over_trials(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one row a trial: the mean score of its segments.

    Where segments are shuffled into folds, a trial's mean comes from the models
    of several folds. Then all trials of that subject and seed are means over the
    same set of models, which counts as one fit: ``fold`` is ``ALL_FOLDS``.
    Otherwise ``fold`` stays what it was.
    """
    grouped = predictions.groupby([*_RUN, *_TRIAL], sort=False, observed=True)
    trials = grouped.agg(
        score=("score", "mean"), fold=("fold", "min"), last_fold=("fold", "max")
    ).reset_index()
    split = trials["fold"] != trials["last_fold"]
    whose = [trials[key] for key in (*_RUN, "subject")]
    several = split.groupby(whose, observed=True).transform("any")
    trials["fold"] = trials["fold"].mask(several, ALL_FOLDS)
    return trials.drop(columns="last_fold")


def score_subjects(predictions: pd.DataFrame, level: str) -> pd.DataFrame:
    """Score each subject of one protocol, target, stream set and learner.

    Several seeds are scored apart; a subject's score is their mean.

    Parameters
    ----------
    level : str
        ``segment`` or ``trial``.

    Returns
    -------
    DataFrame
        One row a subject: subject, n (segments or trials), n_high, one_class
        (all labels are equal, so that only accuracy is defined), and ``METRICS``.
    """
    rows = []
    for subject, seeds in count_subjects(predictions, level):
        scores = mean_over_seeds(map(score_counts, seeds))
        label, size = seeds[0].label, seeds[0].size
        rows.append(
            {
                "subject": subject,
                "n": int(size.sum()),
                "n_high": int(size[label == 1].sum()),
                "one_class": len(np.unique(label)) < 2,
                **{name: float(scores[name][0]) for name in METRICS},
            }
        )
    columns = ["subject", "n", "n_high", "one_class", *METRICS]
    return pd.DataFrame(rows, columns=columns)


def count_confusion(predictions: pd.DataFrame, level: str) -> Int[np.ndarray, "2 2"]:
    """Count segments or trials by label (row) and by what they were called (column).

    Several seeds are counted together.
    """
    table = predictions if level == "segment" else mean_over_trials(predictions)
    label = table["label"].to_numpy(dtype=np.int64)
    called = (table["score"].to_numpy(dtype=float) > THRESHOLD).astype(np.int64)
    return np.bincount(2 * label + called, minlength=4).reshape(2, 2)


def count_subjects(
    predictions: pd.DataFrame, level: str
) -> Iterator[tuple[str, list[Counts]]]:
    """Yield each subject, by name, with counts for each seed.

    Trials are in the order of their names, whatever the order of the rows.
    """
    table = predictions if level == "segment" else mean_over_trials(predictions)
    stimulus = pd.factorize(table["stimulus"].astype(str), sort=True)[0]
    table = table.assign(stimulus_number=stimulus)
    for subject, mine in table.groupby("subject", sort=True, observed=True):
        yield (
            str(subject),
            [
                count(
                    pd.factorize(rows["trial"], sort=True)[0],
                    rows["label"].to_numpy(dtype=np.int64),
                    rows["score"].to_numpy(dtype=float),
                    rows["fold"].to_numpy(dtype=np.int64),
                    stimulus=rows["stimulus_number"].to_numpy(dtype=np.int64),
                )
                for _, rows in mine.groupby("seed", sort=True)
            ],
        )
