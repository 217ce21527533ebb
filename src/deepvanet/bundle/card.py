"""The model card: what a bundle is for, what it was trained on, how well it did.

Its sections are those of Mitchell et al. [1]_, as far as anything is known.

References
----------
.. [1] Mitchell et al. (2019). Model cards for model reporting. FAT* 2019, 220-229.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepvanet.bundle.description import RowSummary
from deepvanet.bundle.loading import Answer, say_plan
from deepvanet.bundle.members import Member
from deepvanet.bundle.reliability import Calibrations
from deepvanet.bundle.standing import judge_answers
from deepvanet.bundle.validation import GroupScore, Validation, find_form
from deepvanet.config import WHOLE_TRIAL
from deepvanet.datasets.records import find_terms
from deepvanet.evaluation.parts import RowSelection
from deepvanet.files import write_text
from deepvanet.findings import CODES, Finding, Severity, group_by_code
from deepvanet.learners import find_record
from deepvanet.learners.lag import FoundLag
from deepvanet.learners.learner import Context, FitPlan
from deepvanet.metrics import LEAST_RATINGS, LEAST_SUBJECTS, METRIC_RECORDS
from deepvanet.metrics import LEAST_TRIALS as LEAST_RATED
from deepvanet.metrics.calibration import LEAST_OF_A_CLASS, LEAST_TRIALS, TRIALS_A_BIN
from deepvanet.preprocessing.windows import SECONDS, WindowGrid
from deepvanet.protocols import PROTOCOLS
from deepvanet.recipes import describe_recipe
from deepvanet.schema import (
    HIGH_OR_LOW,
    TRAINED_WITH,
    ChannelType,
    Goal,
    Stream,
    find_stream,
    parse_streams,
)
from deepvanet.tasks import Classes

_SYNTHETIC = "The recordings are synthetic: they are of no person."


@dataclass(frozen=True)
class TrainedMember:
    """A member of a bundle with all that is known of it.

    Attributes
    ----------
    plan : mapping
        What the folds chose, as optimiser steps; empty where nothing is chosen.
    context : str
        What must be scored together.
    judged : mapping
        Calibrations and validation of each stream set; empty where there are none.
    obstacle : str
        Why there is none.
    goal : Goal
        What it predicts.
    target : str
        Of what: of several that the member answers at once, there is one of these for
        each.
    lag : FoundLag | None
        By how much a rating that moves follows the signals; None of others.
    """

    member: Member
    plan: FitPlan
    context: Context
    summary: RowSummary
    judged: Mapping[str, tuple[Calibrations, Validation]]
    obstacle: str
    goal: Goal = HIGH_OR_LOW
    target: str = ""
    lag: FoundLag | None = None

    @property
    def is_binary(self) -> bool:
        """Whether it says how likely high is."""
        return self.goal.is_binary

    @property
    def trained_with(self) -> str:
        """The other targets that the member answers, joined by ``+``."""
        if self.target == self.member.target:
            return ""
        names = self.member.target.split("+")
        return "+".join(name for name in names if name != self.target)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``bundle.json`` has them."""
        rows = asdict(self.summary)
        goal: dict[str, Any] = {}
        if not rows["class_trials"]:
            del rows["class_trials"]
        if not self.is_binary:
            goal = {"goal": asdict(self.goal)}
            del goal["goal"]["parts"]
            if not self.goal.moves:
                del goal["goal"]["moves"]
        if self.lag is not None:
            goal["lag_s"] = self.lag.lag_s
        joint = {TRAINED_WITH: self.trained_with} if self.trained_with else {}
        return {
            "target": self.target,
            **joint,
            "streams": self.member.streams,
            **goal,
            "context": self.context,
            "plan": dict(self.plan),
            "rows": rows,
            "answers": [self._describe(streams) for streams in self.member.answers],
        }

    def _describe(self, streams: str) -> dict[str, Any]:
        calibrations, validation = self.judged.get(streams, (Calibrations(), None))
        return {
            "streams": streams,
            "calibration": calibrations.to_dict() if self.is_binary else None,
            "validation": None if validation is None else validation.to_dict(),
        }


def summarise(rows: RowSelection) -> RowSummary:
    """Count the rows of a member."""
    table, goal = rows.table, rows.task.goal
    trials = table.drop_duplicates(["subject", "trial"]).index.to_numpy()
    label, rated = rows.label[trials], rows.ratings[trials]
    are_texts = isinstance(rows.task, Classes) and bool(rows.task.names)
    return RowSummary(
        n_subjects=int(table["subject"].nunique()),
        n_trials=len(trials),
        n_segments=len(table),
        n_high_trials=int(label.sum()) if goal.kind == "high-low" else None,
        lowest_rating=None if are_texts else float(rated.min()),
        highest_rating=None if are_texts else float(rated.max()),
        class_trials=tuple(np.bincount(label, minlength=goal.n_outputs).tolist())
        if goal.kind == "classes"
        else (),
    )


def write_card(
    path: Path,
    values: Mapping[str, Any],
    trained: Sequence[TrainedMember],
    findings: Sequence[Finding],
) -> None:
    """Write the card of a bundle.

    Parameters
    ----------
    path : Path
        The file.
    values : mapping
        What ``bundle.json`` will hold.
    trained : sequence of TrainedMember
        The members, with what is known of them.
    findings : sequence of Finding
        What was odd or assumed in the recordings that they were trained on.

    Raises
    ------
    ValueError
        When a section has no text, as that on what it is for.
    """
    sections = [
        _introduce(values, trained),
        _USE,
        _tell_training(values, trained),
        _tell_scores(trained),
        _tell_groups(trained),
        _tell_input(values),
        _tell_findings(findings),
        _tell_terms(values["dataset"], trained),
    ]
    for section in sections:
        title, _, text = section.strip().partition("\n")
        if not text.strip():
            raise ValueError(f"a card needs a text below {title or 'each title'!r}")
    write_text(path, "\n\n".join(sections) + "\n")


def _introduce(values: Mapping[str, Any], trained: Sequence[TrainedMember]) -> str:
    targets = " and ".join(dict.fromkeys(item.target for item in trained))
    return (
        f"# A deepvanet bundle: {targets}, trained on {values['dataset']}\n\n"
        f"For each {_name_segment(values)} of a recording it gives "
        f"{_tell_question(values, trained, targets)}\n\n"
        f"{_introduce_learner(values['training']['learner'])}\n\n"
        "```sh\n"
        "deepvanet predict MODEL --video face.mp4 --bio signals.bdf "
        "--out timeline.csv\n"
        "```\n\n"
        f"Made by deepvanet {values['versions']['deepvanet']} with torch "
        f"{values['versions']['torch']}. Loading it runs no code: it is JSON and "
        "safetensors."
    )


def _tell_question(
    values: Mapping[str, Any], trained: Sequence[TrainedMember], targets: str
) -> str:
    """Say what is predicted, and what it is not."""
    rule, task = values["training"]["label_rule"], values["training"]["task"]
    asked = "this person, asked after the whole trial, would have"
    low, high = _find_scale(trained)
    if task == "trace":
        lags = ", ".join(
            f"{item.member.target} from {item.member.streams} {item.lag.lag_s:g} s"
            f"{' (no lag stood out)' if item.lag.is_flat else ''}"
            for item in trained
            if item.lag is not None
        )
        return (
            f"a **rating that moves with time**: what this person, who rates {targets} "
            "while watching, would say, moment by moment, on the scale of the ratings "
            f"that it was trained on ({low:g} to {high:g}). A rating follows the "
            f"signals: {lags}. The number beside a time is what would be said so much "
            "later."
        )
    if task == "rating":
        return (
            f"a **self-rating**, learnt from **one rating a trial**: how {asked} "
            f"rated {targets}, on the scale of the ratings that it was trained on "
            f"({low:g} to {high:g}). It is not how strong a feeling is in this second: "
            "seconds were not rated."
        )
    if task == "high-low":
        return (
            "the probability of "
            "a **high self-rating**, learnt from **one rating a trial**: how likely "
            f"{asked} rated {targets} high "
            f"(`{rule}`). It is not how strong a feeling is, "
            "nor what is felt in this second: seconds were not rated."
        )
    names = dict.fromkeys(name for item in trained for name in item.goal.classes)
    listed = ", ".join(f"`{name}`" for name in names)
    by = f" (each high or low by `{rule}`)" if task == "quadrants" else ""
    return (
        f"the probability of **each of the classes** {listed}, learnt from **one "
        f"label a trial**: in which class the {targets}{by} of a trial like it would "
        "lie. It is not what is felt in this second: seconds were not labelled."
    )


def _find_scale(trained: Sequence[TrainedMember]) -> tuple[float, float]:
    rated = [item.summary for item in trained]
    low = min(rows.lowest_rating or 0.0 for rows in rated)
    return low, max(rows.highest_rating or 0.0 for rows in rated)


def _name_segment(values: Mapping[str, Any]) -> str:
    """Return what is scored: a second, or how long a segment is."""
    training = values["training"]
    if training["segment"] == WHOLE_TRIAL:
        return "trial"
    grid = WindowGrid(float(training["segment"]), float(training["step"]))
    return "second" if grid == SECONDS else f"segment of {grid.length_s:g} s"


def _introduce_learner(name: str) -> str:
    return f"Learner `{name}`: it {find_record(name).title}."


_USE = (
    "## What it is for\n\n"
    "Research on recordings like those it was trained on: the same sensors, the same "
    "kind of stimulus, adults who sit and watch.\n\n"
    "It is not for decisions about a person: not for hiring, teaching, policing, "
    "health or credit, and not for finding out what a person hides. Emotion "
    "recognition at work and in education is forbidden in the European Union since 2 "
    "February 2025 (Regulation 2024/1689, article 5), and elsewhere people must be "
    "informed of it since 2 August 2026 (article 50). A person who is recorded must "
    "know it and be able to say no. `docs/responsible-use.md` has more, and a text for "
    "consent."
)


def _tell_training(values: Mapping[str, Any], trained: Sequence[TrainedMember]) -> str:
    of_trials = {"high-low": "high | ", "classes": "of each class | ", "rating": ""}
    more = of_trials[trained[0].goal.kind]
    lines = [
        "## What it was trained on\n",
        f"| target | streams | subjects | trials | {more}segments | ratings | chosen |",
        "|---|---|---|---|---|---|---|" + ("---|" if more else ""),
    ]
    for item in trained:
        rows = item.summary
        lines.append(
            f"| {item.target} | {item.member.streams} | {rows.n_subjects} | "
            f"{rows.n_trials} | {_count_classes(item)}"
            f"{rows.n_segments} | {_say_scale(rows)} | "
            f"{say_plan(item.plan) or '-'} |"
        )
    recipe = describe_recipe(values["training"])
    lines += ["", f"Recipe: {recipe}. {_tell_steps(trained)}"]
    joint = dict.fromkeys(item.member.target for item in trained if item.trained_with)
    for targets in joint:
        lines += [
            "",
            (
                f"One network a stream set answers {targets}, with outputs for each. "
                "It was trained by the sum of their losses, on trials that have all "
                "these ratings."
            ),
        ]
    dropout = values["training"].get("stream_dropout", 0.0)
    if dropout:
        lines += [
            "",
            (
                "One network a target reads all streams. In training each row lost a "
                f"stream with probability {dropout:g}, so it answers from any of them."
            ),
        ]
    return "\n".join(lines)


def _count_classes(item: TrainedMember) -> str:
    """Return the cell on classes; none of ratings."""
    rows = item.summary
    if rows.n_high_trials is not None:
        return f"{rows.n_high_trials / rows.n_trials:.0%} | "
    if item.goal.kind == "rating":
        return ""
    counts = zip(item.goal.classes, rows.class_trials, strict=True)
    return f"{', '.join(f'{name}: {n}' for name, n in counts)} | "


def _say_scale(rows: RowSummary) -> str:
    if rows.lowest_rating is None or rows.highest_rating is None:
        return "texts"
    return f"{rows.lowest_rating:g} to {rows.highest_rating:g}"


def _tell_steps(trained: Sequence[TrainedMember]) -> str:
    if not any(item.plan for item in trained):
        return "The learner has no epochs: it was fitted once."
    if any(item.judged for item in trained):
        chosen = "Steps of the optimiser are"
        if any("face_features" in item.plan for item in trained):
            chosen = "Steps of the optimiser, and lengths of feature vectors, are each"
        return (
            f"{chosen} the median of those that the folds of the "
            "cross-validation took, which chose them on validation rows where there "
            "were enough trials."
        )
    return "Steps of the optimiser are as asked for: nothing chose them."


def _tell_scores(trained: Sequence[TrainedMember]) -> str:
    lines = ["## How well it does\n"]
    for item in trained:
        if not item.judged:
            lines.append(
                f"- {item.target} from {item.member.streams}: "
                f"**{'not calibrated, ' if item.is_binary else ''}"
                f"never scored** (no cross-validation: {item.obstacle})"
            )
    judged = [item for item in trained if item.judged]
    if not judged:
        is_binary = trained[0].is_binary
        return "\n".join([*lines, "", _NOT_CALIBRATED] if is_binary else lines)
    if len(lines) > 1:
        lines.append("")
    beside = ["", "Beside the prior of the protocol, which reads no signal:\n"]
    beside += [f"- {one.sentence}" for one in judge_answers(list(_list_judged(judged)))]
    if not judged[0].is_binary:
        told = [*_tell_task_scores(judged), *beside, "", *_tell_sets(judged)]
        return "\n".join([*lines, *told])
    lines += [
        "Balanced accuracy of trials that the scored model never saw:\n",
        "| target | from | protocol | trials | balanced accuracy | 95 % | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for item in judged:
        lines += [
            _tell_score(item.target, streams, made)
            for streams, (_, made) in item.judged.items()
        ]
    lines += ["", *_explain_scores(judged), *beside, "", *_tell_trust(judged)]
    return "\n".join([*lines, "", *_tell_sets(judged)])


def _list_judged(judged: Sequence[TrainedMember]) -> Iterator[Answer]:
    """Yield the answers that were scored."""
    for item in judged:
        for streams, (calibrations, made) in item.judged.items():
            yield Answer(
                item.target,
                streams,
                item.member.streams,
                item.context,
                item.plan,
                calibrations,
                made,
                item.goal,
            )


_NOT_CALIBRATED = "Scores are as fitted: above 0.5 is called high."


def _tell_score(
    target: str, streams: str, made: Validation, headline: str = "balanced_accuracy"
) -> str:
    interval = "-"
    if made.ci_low is not None and made.ci_high is not None:
        interval = f"{made.ci_low:.2f} to {made.ci_high:.2f}"
    p_value = "-" if made.p_value is None else f"{made.p_value:.3f}"
    if made.p_value is not None and made.p_kind:
        p_value += f" ({made.p_kind})"
    score = made.scores[headline]
    cells = [
        *(target, streams, made.protocol, str(made.n_trials)),
        *("-" if score is None else f"{score:.2f}", interval, p_value),
    ]
    return f"| {' | '.join(cells)} |"


def _tell_task_scores(judged: Sequence[TrainedMember]) -> list[str]:
    """Say how well another task than high-low is done: the headline, and luck."""
    form = find_form(judged[0].goal)
    title, says = (
        METRIC_RECORDS[form.headline].title,
        METRIC_RECORDS[form.headline].says,
    )
    lines = [
        f"{title} of trials that the scored model never saw: {says}.\n",
        f"| target | from | protocol | trials | {title} | 95 % | p | chance | others |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for item in judged:
        for streams, (_, made) in item.judged.items():
            chance = "-" if made.chance is None else f"{made.chance:.2f}"
            others = [
                f"{METRIC_RECORDS[name].title} {score:.2f}"
                for name, score in made.scores.items()
                if name != form.headline and score is not None
            ]
            first = _tell_score(item.target, streams, made, form.headline)
            lines.append(f"{first} {chance} | {', '.join(others) or '-'} |")
    if form.moves:
        return [*lines, "", *_list_protocols(judged), _OF_COURSES, *_HOW_SCORED]
    what = "ratings" if form.is_rating else "probabilities of each class"
    more = "" if form.is_rating else "; the likeliest class is its label"
    return [
        *lines,
        "",
        *_list_protocols(judged),
        (
            f"- What is said of a trial is the mean of its segments' {what}{more}. The "
            "table has the mean over subjects (where each person has one label, that "
            "over people). Predictions are as fitted: nothing is calibrated."
        ),
        *([_WITHIN] if form.is_rating else []),
        *_HOW_SCORED,
    ]


def _list_protocols(judged: Sequence[TrainedMember]) -> list[str]:
    protocols = dict.fromkeys(
        made.protocol for item in judged for _, made in item.judged.values()
    )
    return [f"- `{name}`: {PROTOCOLS[name].summary}" for name in protocols]


_OF_COURSES = (
    "- A trial is scored over its course, moment by moment. The table has the mean "
    "over trials and then over subjects; pooled scores are of all moments together. "
    "Predictions are as fitted: nothing is calibrated."
)
_WITHIN = (
    f"- CCC within a subject needs {LEAST_RATED} trials and {LEAST_RATINGS} different "
    "ratings; subjects with fewer count in the pooled scores only."
)
_HOW_SCORED = (
    "- The interval and p are found as `deepvanet evaluate` finds them.",
    (
        "- The bundle's models are trained on all rows, so nothing is left to "
        "score them on: these are scores of models trained alike on fewer."
    ),
)


def _explain_scores(judged: Sequence[TrainedMember]) -> list[str]:
    return [
        *_list_protocols(judged),
        (
            "- A trial's score is the mean of its seconds' scores as fitted, before "
            "any calibration; above 0.5 it is called high. Balanced accuracy is the "
            "mean of the shares of high and of low trials that are called so, for "
            "each subject; the table has its mean over subjects (where each person has "
            "one label, that over people). Guessing gives 0.5, or a little less: a "
            "fold that tests on many high trials trains on few."
        ),
        *_HOW_SCORED,
    ]


def _tell_trust(judged: Sequence[TrainedMember]) -> list[str]:
    lines = [
        "## What its probabilities are worth\n",
        (
            "| target | from | of | slope | offset | high is above | log loss as "
            "fitted | calibrated | ECE | ECE if they came true |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for item in judged:
        for streams, (calibrations, made) in item.judged.items():
            for level, name in (("segment", "seconds"), ("trial", "trials")):
                fit, found = getattr(calibrations, level), getattr(made, level)
                cells = (
                    *(str(item.target), streams, name),
                    *(f"{fit.slope:.2f}", f"{fit.offset:+.2f}"),
                    *(f"{fit.threshold:.2f}", f"{found.loss:.3f}"),
                    *(f"{found.loss_calibrated:.3f}", f"{found.ece:.3f}"),
                    f"{found.ece_if_calibrated:.3f}",
                )
                lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", *_TRUST]


def _tell_sets(judged: Sequence[TrainedMember]) -> list[str]:
    """Say how wide sets of labels must be to hold the truth, and that they do."""
    lines = ["## Sets that hold the truth\n"]
    made = [
        (item, streams, found.sets)
        for item in judged
        for streams, (_, found) in item.judged.items()
        if found.sets is not None
    ]
    if not made:
        return [*lines, _NO_SETS]
    is_rating = judged[0].goal.kind == "rating"
    lines += [
        (
            "| target | from | people | made to hold | held | 95 % | "
            f"{'length of an interval' if is_rating else 'labels in a set'} |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for item, streams, sets in made:
        interval = "-"
        if sets.ci_low is not None and sets.ci_high is not None:
            interval = f"{sets.ci_low:.0%} to {sets.ci_high:.0%}"
        cells = (
            *(item.target, streams, str(sets.n_subjects), f"{sets.level:.0%}"),
            *(f"{sets.coverage:.0%}", interval, f"{sets.size:.2f}"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", _RATING_SETS if is_rating else _CLASS_SETS]


def _tell_groups(trained: Sequence[TrainedMember]) -> str:
    """Say how well groups of people are predicted, or that it is not measured."""
    lines = ["## Groups of people\n"]
    made = [
        (item, streams, group)
        for item in trained
        for streams, (_, found) in item.judged.items()
        for group in found.groups
    ]
    if not made:
        return "\n".join([*lines, _NO_GROUPS])
    headline = find_form(made[0][0].goal).headline
    title = METRIC_RECORDS[headline].title
    lines += [
        (
            f"| group | target | from | people | trials | {title} | 95 % | "
            "to all others | 95 % |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for item, streams, group in made:
        cells = [
            *(f"{group.column} {group.group}", item.target, streams),
            *(str(group.n_subjects), str(group.n_trials), *_say_group(group)),
        ]
        lines.append(f"| {' | '.join(map(_escape, cells))} |")
    return "\n".join([*lines, "", _GROUPS])


def _say_group(group: GroupScore) -> list[str]:
    """Return the cells of a group's numbers."""
    if group.mean is None:
        why = f"nothing is known: {group.n_scored} scored, {LEAST_SUBJECTS} are needed"
        return [why, "-", "-", "-"]
    spans = [
        "-" if low is None or high is None else f"{low:{sign}.2f} to {high:{sign}.2f}"
        for low, high, sign in (
            (group.ci_low, group.ci_high, ""),
            (group.difference_low, group.difference_high, "+"),
        )
    ]
    change = "-" if group.difference is None else f"{group.difference:+.2f}"
    return [f"{group.mean:.2f}", spans[0], change, spans[1]]


def _escape(cell: str) -> str:
    """Return a cell in which nothing that people wrote is read as Markdown."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", " ".join(cell.split()))


_NO_GROUPS = (
    "How well it does for groups of people (by sex, age, colour of skin) is **not "
    "measured**. `deepvanet train --group COLUMN` scores groups apart where the table "
    "of trials has such a column."
)
_GROUPS = (
    "Of the same cross-validation: the mean over the people of a group, and the "
    f"difference to all others. A group of fewer than {LEAST_SUBJECTS} scored people "
    "has no score. A difference can have many causes beside the group, and that none "
    "was found does not show that there is none; of twenty intervals of differences "
    "without any cause, up to one excludes 0. Other groups are not measured."
)

_NO_SETS = (
    "Not known: sets that hold the truth of nine trials in ten of a new person need "
    "ten people or more who were left out whole, and a rating for the whole trial."
)
_OF_NEW_PEOPLE = (
    "Each bound was found on trials of people that the scored model had not seen, each "
    "person with the same weight, and one more who may be worse than all. *Held* is "
    "measured on each person with the bound of the others. It holds for people, "
    "sensors and stimuli like those of training, and for no others."
)
_CLASS_SETS = (
    "`predict --trials` writes a set of labels for each trial, as `low+high` where "
    f"both are possible. {_OF_NEW_PEOPLE}"
)
_RATING_SETS = (
    "`predict --trials` writes an interval for each trial (`_from`, `_to`). "
    f"{_OF_NEW_PEOPLE}"
)

_TRUST = (
    (
        "- A probability is a score whose logit was multiplied by the slope and moved "
        "by the offset. Both are fitted to scores of the cross-validation, for seconds "
        "(each trial counts once) and for trials apart, with a weak pull to where they "
        "start: 1, and 0, or where classes were weighted alike in training the logit "
        f"of the share of high trials. They stay there with fewer than {LEAST_TRIALS} "
        f"trials, or {LEAST_OF_A_CLASS} of a class, and where a fit did not lower the "
        "log loss of folds that it did not see by two standard errors or more."
    ),
    (
        "- *High is above* names the probability that belongs to a score of 0.5, by "
        "which labels are given. It is not 0.5 where high trials are rare or frequent."
    ),
    (
        "- Log loss is the mean over trials; *calibrated* by slope and offset that "
        "were found on the other folds."
    ),
    (
        "- ECE is the mean distance between what such probabilities say and how often "
        f"they come true, in at most one bin for each {TRIALS_A_BIN} trials. Beside it "
        "stands what it would be, by chance, if they came true. Seconds are compared "
        "with the rating of their trial: seconds were not rated."
    ),
)


def _tell_findings(findings: Sequence[Finding]) -> str:
    groups = group_by_code(f for f in findings if f.severity is not Severity.NOTE)
    lines = ["## What was found in the training recordings\n"]
    for code, found in groups.items():
        known = CODES[code]
        was = "accepted error" if known.severity is Severity.ERROR else "warning"
        assumed = "; ".join(dict.fromkeys(f.assumed for f in found if f.assumed))
        lines.append(
            f"- {code}, {was}, {len(found)} x: {known.title}. {known.consequence} "
            f"Assumed: {assumed or known.assumed}. What to do: {known.cure}"
        )
    if not groups:
        lines.append("No error was accepted, and there is no warning.")
    return "\n".join(lines)


def _tell_input(values: Mapping[str, Any]) -> str:
    recipe, training = values["recipe"], values["training"]
    names: dict[Stream, list[str]] = {}
    for item in values["channels"]:
        stream = find_stream(ChannelType(item["type"]))
        names.setdefault(stream, []).append(f"{item['name']} ({item['unit']})")
    used = {s for n in values["networks"] for s in parse_streams(n["streams"])}
    lines = ["## What it reads\n"]
    if Stream.FACE in used:
        lines.append(
            f"- face: {recipe['face_fps']:g} images a second of {recipe['face_size']} "
            f"pixels, cut out by `{recipe['face']}`"
        )
    lines += [
        f"- {stream}, {recipe['sfreq']:g} Hz: {', '.join(listed)}"
        for stream, listed in names.items()
        if stream in used
    ]
    state = "raw recordings, cleaned here" if values["is_raw"] else "filtered before"
    lines.append(
        f"- signals: {state}; artefacts: {recipe['artefacts']}; baseline: "
        f"{training['baseline']}{_tell_rest(values['rest_s'])}"
    )
    lines.append(
        "- each trial is one segment, however long it is; without a table of trials "
        "the whole recording is one"
        if training["segment"] == WHOLE_TRIAL
        else f"- segments of {training['segment']:g} s, in training one each "
        f"{training['step']:g} s"
    )
    return "\n".join(lines)


def _tell_rest(rest_s: float | None) -> str:
    if rest_s == 0:
        return ""
    how_long = "" if rest_s is None else f" {rest_s:g} s of"
    return f", of each trial's own{how_long} baseline before it"


def _tell_terms(dataset: str, trained: Sequence[TrainedMember]) -> str:
    is_synthetic = dataset.endswith("-synthetic")
    terms = _SYNTHETIC if is_synthetic else find_terms(dataset)
    lines = [
        "## Licence",
        "",
        f"deepvanet is BSD-3-Clause. {terms}",
    ]
    if any(Stream.FACE in parse_streams(item.member.streams) for item in trained):
        lines += [
            "",
            (
                "Networks that read faces hold the mean image of all faces that "
                "they were trained on; of one subject that is a portrait."
            ),
        ]
    return "\n".join(lines)
