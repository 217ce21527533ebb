"""Find ratings that belong to a person and not to what was shown."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from deepvanet.config import EvaluateSettings
from deepvanet.datasets.rating_findings import RatedTrial
from deepvanet.findings import Finding, make_finding
from deepvanet.labels import are_personal
from deepvanet.schema import Target

__all__ = ["RatedTrial", "find_personal_ratings"]


def find_personal_ratings(
    trials: Iterable[RatedTrial], rule: str = EvaluateSettings.label_rule
) -> Iterator[Finding]:
    """Name the targets of which each subject has one label over all its trials."""
    listed = list(trials)
    table = pd.DataFrame(
        {
            "subject": [trial.subject for trial in listed],
            "trial": [trial.trial for trial in listed],
        }
    )
    for target in Target:
        ratings = np.array([t.ratings.get(target, np.nan) for t in listed], dtype=float)
        if len(listed) and are_personal(ratings, rule, table=table):
            n_subjects = table["subject"][~np.isnan(ratings)].nunique()
            yield make_finding(
                "R11",
                f"{target}: each of {n_subjects} subjects has one label over all its "
                f"trials (by {rule}): a label of the person. No subject alone can be "
                "scored, and a protocol that has a subject on both sides leaks: "
                "evaluate with protocol subject",
            )
