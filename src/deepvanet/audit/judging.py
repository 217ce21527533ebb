"""Put all looks at a run, or at files, together: verdicts, and what they rest on.

A verdict never says more than was looked at: ``leaks``, ``explained without signals``,
``cannot be judged``, or ``no leak seen in:`` and the list of looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from deepvanet import results
from deepvanet.audit import choice, copies, looks, times
from deepvanet.audit.looks import Look
from deepvanet.audit.priors import (
    KNOWS,
    PERSON,
    SEGMENT,
    TRIAL,
    Scores,
    count_scored,
    find_level,
    measure_chance,
    name_own_prior,
    score_priors,
    score_rows,
    tabulate,
)
from deepvanet.audit.reading import (
    NEEDED_OF_PREDICTIONS,
    NEEDED_OF_TABLE,
    PART,
    Audited,
    list_audited,
    read_columns,
)
from deepvanet.audit.runs import read_run
from deepvanet.schema import UserError

FORMAT = "deepvanet-audit-2"
LEAKS, EXPLAINED, CANNOT = "leaks", "explained without signals", "cannot be judged"
NO_LEAK = "no leak seen in"
ONE_SIDED, CONTROL_SIDED = 1.645, 3.09
"""Standard deviations above which a coin lies in 5 % of cases, and in 0.1 %: an audit
holds a control against many parts, and none of them may leak by chance."""

UNSEEN = (
    "a threshold, a size or a learner that was tuned on the test rows",
    "one person, or one trial, under two names that differ by more than blanks or case",
    "scores that were made from labels with noise added",
    "signals that were cleaned, scaled or selected over training and test together",
)
"""What no look finds, in whichever files."""

_LEVELS = {SEGMENT: "segments", TRIAL: "trials", PERSON: "people"}
_PLURAL = {"subject": "subjects", "stimulus": "stimuli"}


@dataclass(frozen=True)
class Finding:
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
        Tested, and of these with both labels.
    level : str
        What the verdict was found over: ``trial``, or ``person`` where each subject
        has one label.
    shared : mapping
        Of each unit: the fraction of tested rows whose unit also trained, over
        all folds; None where the table does not tell the unit.
    scores : mapping
        By level: balanced accuracy and AUROC of the predictions.
    own_prior : str
        The prior that belongs to what is shared.
    priors : mapping
        Scores of every prior, fitted again.
    explained : float
        The part of the balanced accuracy above 0.5 that the own prior reaches; NaN
        where the score is not above 0.5.
    chance_sd : float
        Standard deviation of a coin's balanced accuracy.
    control : mapping | None
        Scores on shuffled labels, and the most that chance would give.
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
    findings: tuple[Finding, ...]
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


def audit(
    path: Path,
    *,
    table: Path | None = None,
    control: Path | None = None,
    per_subject: bool | None = None,
) -> Audit:
    """Audit a run, or predictions of anyone.

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
    parts = read_run(path) if path.is_dir() else _read_files(path, table, per_subject)
    controls = {} if control is None else _score_control(control)
    # one part at a time is held with all its rows
    drafts = [_look(part, controls) for part in parts]
    prints = [mine for _, mine in drafts]
    findings = tuple(_judge(draft, mine, prints) for draft, mine in drafts)
    made = [look.name for look in findings[0].looks if not look.missing]
    looked_at = [
        name
        for name in made
        if all(name in _list_made(finding.looks) for finding in findings)
    ]
    missing = (look.missing for f in findings for look in f.looks if look.missing)
    return Audit(
        path,
        _find_worst(findings, looked_at),
        findings,
        tuple(looked_at),
        tuple(dict.fromkeys([*UNSEEN, *missing])),
    )


def _find_worst(findings: Sequence[Finding], looked_at: Sequence[str]) -> str:
    found = [finding.verdict for finding in findings]
    for verdict in (LEAKS, EXPLAINED, CANNOT):
        if verdict in found:
            return verdict
    return f"{NO_LEAK}: {', '.join(looked_at)}"


def _list_made(made: Sequence[Look]) -> list[str]:
    return [look.name for look in made if not look.missing]


def _read_files(
    path: Path, table: Path | None, per_subject: bool | None
) -> Iterator[Audited]:
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
    return list_audited(
        predictions, rows, path=path, table_path=table, per_subject=per_subject
    )


def _score_control(path: Path) -> dict[tuple[str, ...], dict[str, float]]:
    """Return what each part scores on shuffled labels, and what chance would give."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for part in read_run(path):
        scores = score_rows(part, part.rows["score"].to_numpy(dtype=float))
        bound = 0.5 + CONTROL_SIDED * measure_chance(part)
        found[_name_key(part.key, part.seed)] = {
            **scores[find_level(part)],
            "chance_up_to": bound,
        }
    return found


def _name_key(key: Mapping[str, str], seed: str) -> tuple[str, ...]:
    return (*(key[name] for name in PART), seed)


def _look(
    part: Audited, controls: Mapping[tuple[str, ...], Mapping[str, float]]
) -> tuple[Finding, copies.Print]:
    """Look at one part; without a verdict, since its scores may be another one's."""
    shared = looks.measure_shared(part)
    score = part.rows["score"].to_numpy(dtype=float)
    control = controls.get(_name_key(part.key, part.seed))
    made = (
        looks.look_at_trials(shared),
        looks.look_at_training(part),
        looks.look_at_people(part, shared),
        looks.look_at_recordings(part),
        looks.look_at_names(part, shared),
        times.look_at_times(part),
        copies.look_at_repeats(part),
        copies.look_at_duplicates(part),
        copies.look_at_labels(part),
        choice.look_at_choice(part),
        *_look_at_statement(part),
        *_look_at_control(control),
    )
    n_subjects, n_scored = count_scored(part)
    n_tested = sum(int(fit.test.sum()) for fit in part.fits)
    draft = Finding(
        protocol=part.key["protocol"],
        target=part.key["target"],
        streams=part.key["streams"],
        learner=part.key["learner"],
        seed=part.seed,
        verdict="",
        sentence="",
        looks=made,
        n_rows=len(part.rows),
        n_fits=len(part.fits),
        n_unscored=n_tested - len(tabulate(part, score)),
        n_subjects=n_subjects,
        n_subjects_scored=n_scored,
        level=find_level(part),
        shared=shared,
        epoch_chosen_on=part.epoch_chosen_on,
        scores=score_rows(part, score),
        own_prior=name_own_prior(shared),
        priors=score_priors(part),
        explained=float("nan"),
        chance_sd=measure_chance(part),
        control=control,
    )
    return draft, copies.take_print(part, leaks=any(look.leak for look in made))


def _look_at_statement(part: Audited) -> list[Look]:
    """Believe a run where it says that it leaks."""
    told = [name for name in part.admitted.split("+") if name in ("fit", "unlabelled")]
    said = {
        "fit": "the run says that something was fitted on test labels",
        "unlabelled": "the run says that test signals, without their labels, had a "
        "part in training or in scoring each other",
    }
    if part.watched is None:
        return []
    return [Look("what a run says of itself", leak="; ".join(said[t] for t in told))]


def _look_at_control(control: Mapping[str, float] | None) -> list[Look]:
    if control is None:
        return []
    score, bound = control["balanced_accuracy"], control["chance_up_to"]
    name = "shuffled labels"
    opening = f"fitted again on shuffled labels it scores {score:.3f}"
    if isnan(score) or isnan(bound):
        return [Look(name, missing="the score on shuffled labels (it is not defined)")]
    said = f"{opening}, where chance gives up to {bound:.3f}"
    return [Look(name, leak=said) if score > bound else Look(name, note=said)]


def _judge(
    draft: Finding, mine: copies.Print, prints: Sequence[copies.Print]
) -> Finding:
    columns = copies.look_at_columns(mine, prints)
    made = (*draft.looks, columns, Look("priors"))
    margin = ONE_SIDED * draft.chance_sd
    score = draft.scores[draft.level]["balanced_accuracy"]
    prior = draft.priors[draft.own_prior][draft.level]["balanced_accuracy"]
    both_say_more = prior > 0.5 + margin and score > 0.5 + margin
    if any(look.leak for look in made):
        verdict = LEAKS
    elif any(look.doubt for look in made) or isnan(score):
        verdict = CANNOT
    elif both_say_more and score <= prior + margin:
        verdict = EXPLAINED
    else:
        verdict = f"{NO_LEAK}: {', '.join(_list_made(made))}"
    said = [_say_score(draft), *_say_verdict(verdict, made)]
    said += [*_say_prior(draft, verdict), *_say_rest(draft, made)]
    return replace(
        draft,
        verdict=verdict,
        sentence=" ".join([f"{mine.name}:" if mine.name else "", *said]).strip(),
        looks=made,
        explained=float(np.clip((prior - 0.5) / (score - 0.5), 0.0, 1.0))
        if score > 0.5
        else float("nan"),
    )


def _say_score(finding: Finding) -> str:
    """Say what was scored: metric, level and over whom."""
    scores, level = finding.scores, finding.level
    score, auroc = (scores[level][name] for name in ("balanced_accuracy", "auroc"))
    n_subjects, n_scored = finding.n_subjects, finding.n_subjects_scored
    if isnan(score):
        return (
            f"No balanced accuracy over {_LEVELS[level]} is defined: none of "
            f"{n_subjects} subjects has both labels."
        )
    said = f"Balanced accuracy {score:.3f} over {_LEVELS[level]}"
    if SEGMENT in scores:
        said += f" ({scores[SEGMENT]['balanced_accuracy']:.3f} over segments)"
    if not isnan(auroc):
        said += f", AUROC {auroc:.3f}"
    if level == PERSON:
        return f"{said}, of {n_subjects} people."
    whom = f"{n_scored} subjects" if n_scored > 1 else "1 subject"
    left_out = f" ({n_subjects - n_scored} more have one label)"
    return f"{said}, mean over {whom}{left_out if n_scored < n_subjects else ''}."


def _say_verdict(verdict: str, made: Sequence[Look]) -> list[str]:
    if verdict == LEAKS:
        return [f"This score leaks: {'; '.join(m.leak for m in made if m.leak)}."]
    if verdict == CANNOT:
        doubts = "; ".join(look.doubt for look in made if look.doubt)
        return [f"It cannot be judged{': ' if doubts else ''}{doubts}."]
    if verdict == EXPLAINED:
        return ["It is explained without signals."]
    return ["No leak was seen where it was looked."]


def _say_prior(finding: Finding, verdict: str) -> list[str]:
    """Say how much of a score the prior has that belongs to what is shared."""
    level, own = finding.level, finding.own_prior
    score = finding.scores[level]["balanced_accuracy"]
    prior = finding.priors[own][level]["balanced_accuracy"]
    margin = ONE_SIDED * finding.chance_sd
    whose = f"The {own}, which knows {KNOWS[own]},"
    if isnan(score):
        return []
    if isnan(prior):
        return [f"{whose} has no score."]
    if not score > 0.5 + margin:
        return [f"The score is not above chance, which gives up to {0.5 + margin:.3f}."]
    if not prior > 0.5 + margin:
        return [f"{whose} has {prior:.3f} and explains nothing."]
    above = ""
    if verdict == EXPLAINED and score > prior:
        above = f", and chance alone may add {margin:.3f}"
    return [f"{whose} has {prior:.3f} of the {score:.3f}{above}."]


def _say_rest(finding: Finding, made: Sequence[Look]) -> list[str]:
    said = [f"{look.note[0].upper()}{look.note[1:]}." for look in made if look.note]
    shared = finding.shared
    common = [_PLURAL[unit] for unit in _PLURAL if shared[unit]]
    if common and not shared["trial"]:
        said.append(f"Training and test share {' and '.join(common)}.")
    if finding.n_unscored:
        said.append(f"{finding.n_unscored} rows that test have no score.")
    return said


def _plain(value: Any) -> Any:
    """Return values as JSON has them, which knows no NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
