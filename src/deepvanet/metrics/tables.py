"""Tabulate scores with their spread, interval and p-value.

The interval is a percentile bootstrap over subjects; where a model saw several
subjects, over subjects and stimuli at once, since all saw the same stimuli. The
p-value shuffles each subject's labels over its trials and keeps the folds.

References
----------
.. [1] Ojala and Garriga (2010). Permutation tests for studying classifier
   performance. Journal of Machine Learning Research 11, 1833-1863.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.metrics.counts import (
    METRICS,
    Counts,
    divide,
    mean_over_seeds,
    score_counts,
)
from deepvanet.metrics.scores import LEVELS, count_subjects

SCORE_COLUMNS = (
    "dataset",
    "protocol",
    "target",
    "streams",
    "learner",
    "level",
    "metric",
    "mean",
    "sd",
    "ci_low",
    "ci_high",
    "p_value",
    "n_subjects",
    "leaks",
    "shares",
)
"""Columns of ``scores.csv``."""

LEAST_SUBJECTS_FOR_INTERVAL = 6

_PART = ["protocol", "target", "streams", "learner"]
_TAILS = (0.025, 0.975)
_ROUNDING = 1e-12  # the same sum in another order may differ by this much

_Subjects = Sequence[Sequence[Counts]]  # for each subject, counts for each seed
_Draws = Mapping[str, Float[np.ndarray, "subject draw"]]


def tabulate_scores(
    predictions: pd.DataFrame,
    *,
    dataset: str,
    sharing: Mapping[tuple[str, str, str, str], tuple[str, str]],
    pooled: Collection[str],
    n_bootstrap: int = 2000,
    n_permutations: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Tabulate mean, spread, interval and p-value of every score.

    A row depends on its own predictions and on the seed, not on what else is in
    the table. Mean and standard deviation are over the subjects for whom the
    metric is defined, whose number is ``n_subjects``.

    Parameters
    ----------
    sharing : mapping
        Of (protocol, target, streams, learner): what leaks and what is shared by
        design, each ``+``-joined or ``none``.
    pooled : collection of str
        Protocols whose models saw several subjects.
    n_bootstrap : int
        Resamples of the 95 % interval; there is none below six subjects.
    n_permutations : int
        Shuffles of the labels. The p-value is blank where something leaks, since
        a leaky prediction is not exchangeable; it is approximate under
        cross-validation.

    Returns
    -------
    DataFrame
        Columns ``SCORE_COLUMNS``.
    """
    rows = []
    for key, part in predictions.groupby(_PART, sort=False, observed=True):
        protocol, target, streams, learner = map(str, key)
        leaks, shares = sharing[protocol, target, streams, learner]
        for level in LEVELS:
            scores = _summarise(
                [seeds for _, seeds in count_subjects(part, level)],
                crossed=protocol in pooled,
                n_bootstrap=n_bootstrap,
                n_permutations=n_permutations if leaks == "none" else 0,
                seed=seed,
            )
            for metric, values in scores.items():
                where = (dataset, protocol, target, streams, learner, level, metric)
                rows.append((*where, *values, leaks, shares))
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _summarise(
    subjects: _Subjects,
    *,
    crossed: bool,
    n_bootstrap: int,
    n_permutations: int,
    seed: int,
) -> dict[str, tuple[float, float, float, float, float, int]]:
    """Return mean, sd, interval, p-value and number of subjects of each metric."""
    of_subjects, of_stimuli, of_labels = np.random.default_rng(seed).spawn(3)
    observed = _stack(mean_over_seeds(map(score_counts, seeds)) for seeds in subjects)
    resampled = (
        _draw_stimuli(subjects, n_bootstrap, of_stimuli) if crossed else observed
    )
    shuffled = _shuffle_labels(subjects, n_permutations, of_labels)
    rows = {}
    for metric in METRICS:
        known = ~np.isnan(observed[metric][:, 0])
        values = observed[metric][known, 0]
        rows[metric] = (
            float(values.mean()) if len(values) else float("nan"),
            float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
            *_find_interval(resampled[metric][known], n_bootstrap, of_subjects),
            _find_p_value(values, shuffled[metric][known]),
            len(values),
        )
    return rows


def _stack(subjects: Iterable[Mapping[str, Float[np.ndarray, " draw"]]]) -> _Draws:
    listed = list(subjects)
    return {m: np.stack([scores[m] for scores in listed]) for m in METRICS}


def _draw_stimuli(
    subjects: _Subjects, n_draws: int, rng: np.random.Generator
) -> _Draws:
    """Score every subject on stimuli drawn with replacement, the same for all."""
    n_stimuli = 1 + max(int(seeds[0].stimulus.max()) for seeds in subjects)
    times = _draw_times(n_stimuli, n_draws, rng)
    return _stack(
        mean_over_seeds(
            score_counts(counts, weight=times[:, counts.stimulus]) for counts in seeds
        )
        for seeds in subjects
    )


def _shuffle_labels(
    subjects: _Subjects, n_draws: int, rng: np.random.Generator
) -> _Draws:
    """Score every subject with its labels shuffled over its trials.

    The seeds of a subject are shuffled alike.
    """
    labels = [
        rng.permuted(np.tile(seeds[0].label, (n_draws, 1)), axis=1)
        for seeds in subjects
    ]
    return _stack(
        mean_over_seeds(score_counts(counts, label=label) for counts in seeds)
        for seeds, label in zip(subjects, labels, strict=True)
    )


def _draw_times(
    n_items: int, n_draws: int, rng: np.random.Generator
) -> Float[np.ndarray, "draw item"]:
    """Return how often each item occurs in each draw with replacement."""
    even = np.full(n_items, 1 / n_items)
    return rng.multinomial(n_items, even, size=n_draws).astype(float)


def _find_interval(
    values: Float[np.ndarray, "subject draw"], n_draws: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the 95 % interval of the mean over subjects drawn with replacement.

    A subject left with one class by a draw of stimuli does not count in it.
    """
    n_subjects = len(values)
    if n_subjects < LEAST_SUBJECTS_FOR_INTERVAL or n_draws == 0:
        return float("nan"), float("nan")
    times = _draw_times(n_subjects, n_draws, rng).T
    known = ~np.isnan(values)
    total = (times * np.nan_to_num(values)).sum(axis=0)
    means = divide(total, (times * known).sum(axis=0))
    low, high = np.quantile(means[~np.isnan(means)], _TAILS)
    return float(low), float(high)


def _find_p_value(
    values: Float[np.ndarray, " subject"], null: Float[np.ndarray, "subject draw"]
) -> float:
    """Return how often labels score at least as high, shuffled or their own."""
    means = divide(np.nan_to_num(null).sum(axis=0), (~np.isnan(null)).sum(axis=0))
    means = means[~np.isnan(means)]
    if not len(means):
        return float("nan")
    n_above = int(np.sum(means >= values.mean() - _ROUNDING))
    return (1 + n_above) / (1 + len(means))
