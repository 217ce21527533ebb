"""Any predictions -> what training and test shared, and what that explains.

Works on a run of this package and on anybody's two CSV files
(:mod:`deepvanet.audit.reading`). Nothing that is written about them is believed:
what was shared is counted from the rows, and the priors are fitted again from the
labels of what trained.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from deepvanet import results
from deepvanet.audit.priors import score_priors, score_rows
from deepvanet.audit.reading import (
    NEEDED_OF_PREDICTIONS,
    NEEDED_OF_TABLE,
    PART,
    Audited,
    list_audited,
    read_columns,
)
from deepvanet.schema import PRIORS, UserError

FORMAT = "deepvanet-audit-1"
LEAKS, CLEAN, UNKNOWN = "leaks", "clean", "unknown"
SHARED = ("segment", "trial", "subject", "stimulus")
ONE_SIDED = 1.645  # of a normal distribution, 5 % lie above

_IDENTITIES = {
    "segment": ["subject", "trial", "segment"],
    "trial": ["subject", "trial"],
    "subject": ["subject"],
    "stimulus": ["stimulus"],
}
_PLURAL = {"subject": "subjects", "stimulus": "stimuli"}


@dataclass(frozen=True)
class Finding:
    """What was found of one protocol, target, stream set and learner.

    Attributes
    ----------
    verdict : str
        ``leaks``, ``clean``, or ``unknown`` where what is shared cannot be told.
    shared : mapping
        Of each unit: the fraction of tested rows whose unit also trained, over
        all folds; None where the table does not tell the unit.
    scores : mapping
        Balanced accuracy and AUROC of the predictions, segment by segment.
    priors : mapping
        The same of every prior, fitted again.
    explained : mapping
        The part of the balanced accuracy above chance that each prior reaches.
    control : mapping | None
        Scores on shuffled labels, and the most that chance would give.
    """

    protocol: str
    target: str
    streams: str
    learner: str
    verdict: str
    sentence: str
    n_rows: int
    n_fits: int
    shared: Mapping[str, float | None]
    epoch_chosen_on: str
    scores: Mapping[str, float]
    priors: Mapping[str, Mapping[str, float]]
    explained: Mapping[str, float]
    control: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Audit:
    """All that was found.

    Attributes
    ----------
    verdict : str
        The worst of all findings.
    """

    path: Path
    verdict: str
    findings: tuple[Finding, ...]

    def lines(self) -> list[str]:
        """Say it in a sentence a finding."""
        return [f"{self.path}: {self.verdict}", *(f.sentence for f in self.findings)]

    def write(self, path: Path) -> None:
        """Write it for machines, as JSON."""
        results.write_json(
            path,
            {
                "format": FORMAT,
                "audited": str(self.path),
                "verdict": self.verdict,
                "findings": [_plain(asdict(finding)) for finding in self.findings],
            },
        )


def audit(
    path: Path,
    *,
    table: Path | None = None,
    control: Path | None = None,
    per_subject: bool | None = None,
) -> Audit:
    """Audit a run, or anybody's predictions.

    Parameters
    ----------
    path : Path
        A folder that ``evaluate`` wrote, or a CSV file of predictions.
    table : Path | None
        With a file: a CSV file of all rows and their folds.
    control : Path | None
        With a run: the same run on shuffled labels.
    per_subject : bool | None
        With a file: whether a model was fitted for each subject.

    Raises
    ------
    UserError
        When a file is of another shape.
    """
    if path.is_dir():
        audited = _read_run(path)
    else:
        audited = _read_files(path, table, per_subject)
    controls = {} if control is None else _score_control(control)
    findings = tuple(_judge(part, controls) for part in audited)
    found = [finding.verdict for finding in findings]
    worst = next(word for word in (LEAKS, UNKNOWN, CLEAN) if word in found)
    return Audit(path, worst, findings)


def _read_files(
    path: Path, table: Path | None, per_subject: bool | None
) -> list[Audited]:
    if table is None:
        raise UserError(
            f"{path}: predictions alone do not tell what trained; name the table of "
            "rows and folds with --table"
        )
    predictions = read_columns(path, NEEDED_OF_PREDICTIONS)
    rows = read_columns(table, NEEDED_OF_TABLE)
    if "fold" not in rows and "folds" not in rows:
        raise UserError(
            f"{table}: column fold is missing (the fold in which a row tests), got "
            f"{', '.join(rows.columns)}"
        )
    return list(list_audited(predictions, rows, path=path, per_subject=per_subject))


def _read_run(path: Path) -> list[Audited]:
    run = results.open_run(path)
    chosen = {
        tuple(part[name] for name in PART): "+".join(
            dict.fromkeys(fold["epoch_chosen_on"] for fold in part["folds"])
        )
        for part in run.leakage["parts"]
    }
    predictions = run.predictions.astype({"seed": str, "segment": str})
    predictions = predictions[~predictions["learner"].isin(PRIORS)]
    table = run.segments.astype({"seed": str, "segment": str})
    if not len(predictions):
        raise UserError(f"{path}: holds priors only, which read no signal")
    return list(list_audited(predictions, table, path=path, chosen_on=chosen))


def _score_control(path: Path) -> dict[tuple[str, ...], dict[str, float]]:
    """Return what each part scores on shuffled labels, and what chance would give."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for part in _read_run(path):
        tested = part.rows[part.rows["label"].notna()]
        n_trials = len(tested.drop_duplicates(["subject", "trial"]))
        scores = score_rows(part, part.rows["score"].to_numpy(dtype=float))
        bound = 0.5 + ONE_SIDED * sqrt(0.25 / n_trials)
        found[tuple(part.key[n] for n in PART)] = {**scores, "chance_up_to": bound}
    return found


def _judge(
    part: Audited, controls: Mapping[tuple[str, ...], Mapping[str, float]]
) -> Finding:
    shared = {unit: _measure_shared(part, unit) for unit in SHARED}
    scores = score_rows(part, part.rows["score"].to_numpy(dtype=float))
    priors = score_priors(part)
    explained = {name: _explain(scores, prior) for name, prior in priors.items()}
    verdict = _decide(shared, part.epoch_chosen_on)
    control = controls.get(tuple(part.key[name] for name in PART))
    named = ", ".join(name for name in part.key.values() if name != "unknown")
    said = _say(verdict, shared, part.epoch_chosen_on, scores, priors, control)
    return Finding(
        **part.key,
        verdict=verdict,
        sentence=f"{named}: {said}" if named else said,
        n_rows=len(part.rows),
        n_fits=len(part.fits),
        shared=shared,
        epoch_chosen_on=part.epoch_chosen_on,
        scores=scores,
        priors=priors,
        explained=explained,
        control=control,
    )


def _measure_shared(part: Audited, unit: str) -> float | None:
    """Return how many of the tested rows are of a unit that also trained."""
    names = _IDENTITIES[unit]
    if not set(names) <= set(part.rows.columns):
        return None
    number = part.rows.groupby(names, sort=False).ngroup().to_numpy()
    n_shared = sum(
        int(np.isin(number[fit.test], number[fit.seen]).sum()) for fit in part.fits
    )
    return n_shared / sum(int(fit.test.sum()) for fit in part.fits)


def _explain(scores: Mapping[str, float], prior: Mapping[str, float]) -> float:
    above = scores["balanced_accuracy"] - 0.5
    if not above > 0:
        return float("nan")
    return float(np.clip((prior["balanced_accuracy"] - 0.5) / above, 0.0, 1.0))


def _decide(shared: Mapping[str, float | None], chosen_on: str) -> str:
    if shared["trial"] or shared["segment"] or "test" in chosen_on.split("+"):
        return LEAKS
    return UNKNOWN if chosen_on == "unknown" else CLEAN


def _say(
    verdict: str,
    shared: Mapping[str, float | None],
    chosen_on: str,
    scores: Mapping[str, float],
    priors: Mapping[str, Mapping[str, float]],
    control: Mapping[str, float] | None,
) -> str:
    score = scores["balanced_accuracy"]
    said = []
    if shared["trial"]:
        said.append(
            f"{shared['trial']:.0%} of what was tested is of trials that were trained "
            f"on; knowing the trial alone gives {_write(priors, 'trial')} of the "
            f"{score:.3f}"
        )
    if "test" in chosen_on.split("+"):
        said.append("the test rows chose the epoch")
    opening = "This score leaks: "
    if verdict != LEAKS:
        common = [_PLURAL[unit] for unit in _PLURAL if shared[unit]]
        opening = "No trial is on both sides; "
        if common:
            said.append(f"shared are {' and '.join(common)}")
        said.append(_say_what_priors_explain(score, priors))
    tail = f"{opening}{'; '.join(said)}."
    if chosen_on == "unknown":
        tail += " What chose the epoch is not told."
    if shared["stimulus"] is None:
        tail += " The stimuli are not told, so their prior is not known."
    return tail + _say_control(control)


def _say_what_priors_explain(
    score: float, priors: Mapping[str, Mapping[str, float]]
) -> str:
    name = max(priors, key=lambda prior: priors[prior]["balanced_accuracy"])
    best = priors[name]["balanced_accuracy"]
    if not score > 0.5:
        return f"the score of {score:.3f} is not above chance"
    if best >= score:
        return f"the {name} prior, without a signal, has {best:.3f} of {score:.3f}"
    return f"of {score:.3f} the {name} prior reaches {best:.3f} without a signal"


def _say_control(control: Mapping[str, float] | None) -> str:
    if control is None:
        return ""
    score, bound = control["balanced_accuracy"], control["chance_up_to"]
    verdict = "still scores" if score > bound else "falls to chance"
    return (
        f" Fitted again on shuffled labels it {verdict}: {score:.3f}, where chance "
        f"gives up to {bound:.3f}."
    )


def _write(priors: Mapping[str, Mapping[str, float]], name: str) -> str:
    return f"{priors[name]['balanced_accuracy']:.3f}"


def _plain(value: Any) -> Any:
    """Return values as JSON has them, which knows no NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
