"""What an audit finds: a verdict on each part, and the worst of them.

A verdict never says more than was looked at: ``leaks``, ``explained without signals``,
``cannot be judged``, or ``no leak seen in:`` and the list of looks.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepvanet import results
from deepvanet.auditing.looks import Look
from deepvanet.auditing.priors import (
    Scores,
)

FORMAT = "deepvanet-audit-2"

LEAKS, EXPLAINED, CANNOT = "leaks", "explained without signals", "cannot be judged"

NO_LEAK = "no leak seen in"


@dataclass(frozen=True)
class PartVerdict:
    """What was found of one protocol, target, stream set, learner and seed.

    Attributes
    ----------
    seed : str
        Blank where the predictions have none.
    verdict : str
        ``leaks``, ``explained without signals``, ``cannot be judged``, or ``no leak
        seen in: `` with the names of the looks.
    looks : tuple of Look
        All that was looked at, and what could not be.
    n_unscored : int
        Tested rows without a score.
    n_subjects, n_subjects_scored : int
        Tested, and of these with both labels; of ratings, with enough of them.
    level : str
        What the verdict was found over: ``trial``, or ``person`` where each subject
        has one label.
    shared : mapping
        Of each unit: the fraction of tested rows whose unit also trained, over
        all folds; None where the table does not have the unit.
    scores : mapping
        By level: balanced accuracy and AUROC of the predictions; of ratings CCC and
        Pearson's correlation.
    own_prior : str
        The prior that belongs to what is shared.
    priors : mapping
        Scores of every prior, fitted again.
    explained : float
        The part of the score above chance that the own prior reaches; NaN where the
        score is not above chance.
    chance_sd : float
        Standard deviation of the score of a coin.
    control : mapping | None
        Scores on shuffled labels, and the most that chance would give.
    task, metric : str
        What was predicted, and the metric that is judged.
    chance : float
        What a coin scores.
    """

    protocol: str
    target: str
    streams: str
    learner: str
    seed: str
    verdict: str
    sentence: str
    looks: tuple[Look, ...]
    n_rows: int
    n_fits: int
    n_unscored: int
    n_subjects: int
    n_subjects_scored: int
    level: str
    shared: Mapping[str, float | None]
    epoch_chosen_on: str
    scores: Scores
    own_prior: str
    priors: Mapping[str, Scores]
    explained: float
    chance_sd: float
    control: Mapping[str, float] | None
    task: str = "high-low"
    metric: str = "balanced_accuracy"
    chance: float = 0.5


@dataclass(frozen=True)
class Audit:
    """All that was found.

    Attributes
    ----------
    verdict : str
        The worst of all findings.
    looked_at, unseen : tuple of str
        The looks that were made at every finding; and what cannot be seen.
    """

    path: Path
    verdict: str
    findings: tuple[PartVerdict, ...]
    looked_at: tuple[str, ...]
    unseen: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say it in a sentence a finding, and what the sentences rest on."""
        return [
            f"{self.path}: {self.verdict}",
            *(finding.sentence for finding in self.findings),
            f"Looked at: {', '.join(self.looked_at)}.",
            f"Cannot be seen from these files: {'; '.join(self.unseen)}.",
        ]

    def write(self, path: Path) -> None:
        """Write it for machines, as JSON."""
        results.write_json(
            path,
            {
                "format": FORMAT,
                "audited": str(self.path),
                "verdict": self.verdict,
                "looked_at": self.looked_at,
                "unseen": self.unseen,
                "findings": [_plain(asdict(finding)) for finding in self.findings],
            },
        )


def _plain(value: Any) -> Any:
    """Return values as JSON has them, which knows no NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
