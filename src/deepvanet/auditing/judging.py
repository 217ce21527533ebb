"""Put all looks at a run, or at files, together: verdicts, and what they rest on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np

from deepvanet.auditing import choice, copies, looks, times
from deepvanet.auditing.looks import Look
from deepvanet.auditing.parts import AuditPart, list_audit_parts
from deepvanet.auditing.priors import (
    count_scored,
    find_chance,
    find_level,
    measure_chance,
    name_own_prior,
    read_values,
    score_priors,
    score_rows,
    tabulate_scored,
)
from deepvanet.auditing.reading import NEEDED_OF_TABLE
from deepvanet.auditing.runs import read_run
from deepvanet.auditing.sentences import (
    CONTROL_SIDED,
    ONE_SIDED,
    say_prior,
    say_rest,
    say_score,
    say_verdict,
)
from deepvanet.auditing.verdicts import (
    CANNOT,
    EXPLAINED,
    LEAKS,
    NO_LEAK,
    Audit,
    PartVerdict,
)
from deepvanet.results import read_columns, read_given_predictions
from deepvanet.schema import KEY_COLUMNS, UserError

UNSEEN = (
    "a threshold, a size or a learner that was tuned on the test rows",
    "one person, or one trial, under two names that differ by more than blanks or case",
    "scores that were made from labels with noise added",
    "signals that were cleaned, scaled or selected over training and test together",
)
"""What no look finds, in any files."""


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

    Returns
    -------
    Audit
        A verdict on each part, and the worst of them.

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


def _find_worst(findings: Sequence[PartVerdict], looked_at: Sequence[str]) -> str:
    found = [finding.verdict for finding in findings]
    for verdict in (LEAKS, EXPLAINED, CANNOT):
        if verdict in found:
            return verdict
    return f"{NO_LEAK}: {', '.join(looked_at)}"


def _list_made(made: Sequence[Look]) -> list[str]:
    return [look.name for look in made if not look.missing]


def _read_files(
    path: Path, table: Path | None, per_subject: bool | None
) -> Iterator[AuditPart]:
    if table is None:
        raise UserError(
            f"{path}: predictions alone do not say what trained; name the table of "
            "rows and folds too",
            field="table",
        )
    predictions = read_given_predictions(path)
    rows = read_columns(table, NEEDED_OF_TABLE)
    if "fold" not in rows and "folds" not in rows:
        raise UserError(
            f"{table}: column fold is missing (the fold in which a row tests), got "
            f"{', '.join(rows.columns)}"
        )
    return list_audit_parts(
        predictions, rows, path=path, table_path=table, per_subject=per_subject
    )


def _score_control(path: Path) -> dict[tuple[str, ...], dict[str, float]]:
    """Return what each part scores on shuffled labels, and what chance would give."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for part in read_run(path):
        scores = score_rows(part, read_values(part))
        bound = find_chance(part) + CONTROL_SIDED * measure_chance(part)
        found[_name_key(part.key, part.seed)] = {
            **scores[find_level(part)],
            "chance_up_to": bound,
        }
    return found


def _name_key(key: Mapping[str, str], seed: str) -> tuple[str, ...]:
    return (*(key[name] for name in KEY_COLUMNS), seed)


def _look(
    part: AuditPart, controls: Mapping[tuple[str, ...], Mapping[str, float]]
) -> tuple[PartVerdict, copies.Print]:
    """Look at one part; without a verdict, since its scores may be another one's."""
    shared = looks.measure_shared(part)
    values = read_values(part)
    control = controls.get(_name_key(part.key, part.seed))
    made = (
        looks.look_at_trials(part, shared),
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
        *_look_at_control(control, part.form.headline),
    )
    n_subjects, n_scored = count_scored(part)
    n_tested = sum(int(fit.test.sum()) for fit in part.fits)
    draft = PartVerdict(
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
        n_unscored=n_tested - len(tabulate_scored(part, values)),
        n_subjects=n_subjects,
        n_subjects_scored=n_scored,
        level=find_level(part),
        shared=shared,
        epoch_chosen_on=part.epoch_chosen_on,
        scores=score_rows(part, values),
        own_prior=name_own_prior(shared),
        priors=score_priors(part),
        explained=float("nan"),
        chance_sd=measure_chance(part),
        control=control,
        task=part.form.task,
        metric=part.form.headline,
        chance=find_chance(part),
    )
    return draft, copies.take_print(part, leaks=any(look.leak for look in made))


def _look_at_statement(part: AuditPart) -> list[Look]:
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


def _look_at_control(control: Mapping[str, float] | None, metric: str) -> list[Look]:
    if control is None:
        return []
    score, bound = control[metric], control["chance_up_to"]
    name = "shuffled labels"
    opening = f"fitted again on shuffled labels it scores {score:.3f}"
    if isnan(score) or isnan(bound):
        return [Look(name, missing="the score on shuffled labels (it is not defined)")]
    said = f"{opening}, where chance gives up to {bound:.3f}"
    return [Look(name, leak=said) if score > bound else Look(name, note=said)]


def _judge(
    draft: PartVerdict, mine: copies.Print, prints: Sequence[copies.Print]
) -> PartVerdict:
    columns = copies.look_at_columns(mine, prints)
    made = (*draft.looks, columns, Look("priors"))
    margin = ONE_SIDED * draft.chance_sd
    score = draft.scores[draft.level][draft.metric]
    prior = draft.priors[draft.own_prior][draft.level][draft.metric]
    bound = draft.chance + margin
    both_say_more = prior > bound and score > bound
    if any(look.leak for look in made):
        verdict = LEAKS
    elif any(look.doubt for look in made) or isnan(score):
        verdict = CANNOT
    elif both_say_more and score <= prior + margin:
        verdict = EXPLAINED
    else:
        verdict = f"{NO_LEAK}: {', '.join(_list_made(made))}"
    said = [say_score(draft), *say_verdict(verdict, made)]
    said += [*say_prior(draft, verdict), *say_rest(draft, made)]
    return replace(
        draft,
        verdict=verdict,
        sentence=" ".join([f"{mine.name}:" if mine.name else "", *said]).strip(),
        looks=made,
        explained=float(
            np.clip((prior - draft.chance) / (score - draft.chance), 0.0, 1.0)
        )
        if score > draft.chance
        else float("nan"),
    )
