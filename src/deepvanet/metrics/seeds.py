"""How much of a score's spread is the seed's, and how much the subjects'."""

import numpy as np
import pandas as pd

from deepvanet.metrics.forms import find_form
from deepvanet.metrics.scores import find_means, score_subjects
from deepvanet.schema import KEY_COLUMNS

SEED_COLUMNS = (
    *("dataset", *KEY_COLUMNS, "level", "metric"),
    *("n_seeds", "sd_over_seeds", "sd_over_subjects"),
)
"""Columns of ``seeds.csv``."""


def tabulate_seeds(predictions: pd.DataFrame, *, dataset: str) -> pd.DataFrame:
    """Return the deviation over seeds of the mean over subjects, and over subjects.

    Only parts with several seeds have a row. ``sd_over_subjects`` is that of the
    subjects' means over seeds.
    """
    rows = []
    for key, part in predictions.groupby(list(KEY_COLUMNS), sort=False, observed=True):
        seeds = [mine for _, mine in part.groupby("seed", sort=True)]
        if len(seeds) < 2:
            continue
        for level in find_form(part).levels:
            means = pd.DataFrame([find_means(mine, level) for mine in seeds])
            subjects = score_subjects(part, level)
            for metric in find_form(part).metrics:
                values = (
                    subjects[metric].dropna() if metric in subjects else subjects[:0]
                )
                spread = values.std(ddof=1) if len(values) > 1 else np.nan
                deviation = means[metric].std(ddof=1)
                where = (dataset, *map(str, key), level, metric)
                rows.append((*where, len(seeds), deviation, spread))
    return pd.DataFrame(rows, columns=list(SEED_COLUMNS))
